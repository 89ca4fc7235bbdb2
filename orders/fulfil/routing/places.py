"""Where countries and regions lie, roughly: enough to say which warehouse is nearer when no coordinates are known.

A line each: code, other names, latitude, longitude (about where most people of the place live).
"""

from __future__ import annotations

COUNTRIES = """
AE 24.8 54.9|AR -34.6 -60.0|AT 48.0 15.5|AU -34.5 148.0|BE 50.8 4.4|BG 42.6 24.3|BR -21.5 -46.5|CA 44.8 -78.0
CH 47.2 8.0|CL -33.5 -70.8|CN 32.0 114.5|CO 5.2 -74.8|CY 35.0 33.2|CZ 49.9 15.3|DE 50.7 9.3|DK 55.8 10.8
EE 59.1 25.5|EG 30.3 31.2|ES 40.2 -3.4|FI 61.2 24.6|FR 47.2 2.4|GB 52.3 -1.4|GR 38.6 23.2|HK 22.3 114.2
HR 45.6 16.1|HU 47.3 19.2|ID -6.7 108.5|IE 53.2 -7.3|IL 32.0 34.9|IN 22.0 78.5|IS 64.1 -21.5|IT 43.0 12.0
JP 35.6 137.6|KE -0.8 36.8|KR 37.0 127.5|KW 29.3 47.9|LT 55.2 24.0|LU 49.6 6.1|LV 56.8 24.5|MA 33.2 -6.8
MO 22.2 113.5|MT 35.9 14.4|MX 20.5 -100.5|MY 3.2 102.0|NG 8.5 6.5|NL 52.1 5.3|NO 60.4 9.5|NZ -38.5 175.5
OM 23.4 57.8|PE -10.5 -76.5|PH 14.0 121.3|PK 30.5 71.5|PL 51.9 19.2|PT 39.8 -8.4|QA 25.3 51.4|RO 45.6 25.4
RS 44.4 20.6|RU 55.0 43.0|SA 23.8 44.5|SE 58.9 15.5|SG 1.35 103.8|SI 46.2 14.8|SK 48.7 19.2|TH 14.2 100.9
TR 39.4 32.0|TW 24.3 120.8|UA 49.2 31.3|US 38.5 -91.0|UY -34.4 -56.0|VN 16.0 106.6|ZA -27.5 28.5
"""

REGIONS = {
    "CN": """
BJ 北京 Beijing 39.9 116.4|TJ 天津 Tianjin 39.1 117.2|HE 河北 Hebei 38.0 114.9|SX 山西 Shanxi 37.6 112.3
NM 内蒙古 InnerMongolia 41.5 111.5|LN 辽宁 Liaoning 41.3 122.8|JL 吉林 Jilin 43.7 125.8
HL 黑龙江 Heilongjiang 46.2 127.0|SH 上海 Shanghai 31.2 121.5|JS 江苏 Jiangsu 32.2 119.7|ZJ 浙江 Zhejiang 29.5 120.4
AH 安徽 Anhui 32.0 117.2|FJ 福建 Fujian 25.5 118.5|JX 江西 Jiangxi 28.0 115.8|SD 山东 Shandong 36.3 118.3
HA 河南 Henan 34.2 113.8|HB 湖北 Hubei 30.7 113.3|HN 湖南 Hunan 27.8 112.4|GD 广东 Guangdong 23.0 113.4
GX 广西 Guangxi 23.3 108.8|HI 海南 Hainan 19.6 110.1|CQ 重庆 Chongqing 29.6 106.8|SC 四川 Sichuan 30.4 104.5
GZ 贵州 Guizhou 26.8 106.9|YN 云南 Yunnan 25.0 102.2|XZ 西藏 Tibet,Xizang 29.6 91.1|SN 陕西 Shaanxi 34.4 108.6
GS 甘肃 Gansu 35.6 104.4|QH 青海 Qinghai 36.6 101.5|NX 宁夏 Ningxia 37.8 106.2|XJ 新疆 Xinjiang 43.0 84.5
""",
    "US": """
AL - Alabama 33.0 -86.8|AK - Alaska 61.3 -149.5|AZ - Arizona 33.3 -111.9|AR - Arkansas 35.0 -92.6
CA 加州 California 35.5 -119.4|CO - Colorado 39.5 -105.2|CT - Connecticut 41.5 -72.9|DE - Delaware 39.4 -75.5
DC - DistrictOfColumbia 38.9 -77.0|FL - Florida 27.8 -81.6|GA - Georgia 33.4 -84.0|HI - Hawaii 21.1 -157.5
ID - Idaho 43.8 -115.2|IL - Illinois 41.2 -88.4|IN - Indiana 40.1 -86.2|IA - Iowa 42.0 -93.0|KS - Kansas 38.5 -96.4
KY - Kentucky 37.8 -85.3|LA - Louisiana 30.7 -91.5|ME - Maine 44.2 -69.7|MD - Maryland 39.1 -76.8
MA - Massachusetts 42.3 -71.4|MI - Michigan 42.8 -84.2|MN - Minnesota 45.2 -93.6|MS - Mississippi 32.6 -89.6
MO - Missouri 38.4 -92.2|MT - Montana 46.8 -111.2|NE - Nebraska 41.2 -97.4|NV - Nevada 37.2 -116.3
NH - NewHampshire 43.2 -71.5|NJ - NewJersey 40.4 -74.4|NM - NewMexico 34.7 -106.3|NY 纽约 NewYork 41.5 -74.6
NC - NorthCarolina 35.6 -79.7|ND - NorthDakota 47.4 -99.3|OH - Ohio 40.4 -82.7|OK - Oklahoma 35.6 -96.9
OR - Oregon 44.7 -122.6|PA - Pennsylvania 40.5 -77.1|RI - RhodeIsland 41.7 -71.5|SC - SouthCarolina 34.0 -81.0
SD - SouthDakota 44.0 -99.0|TN - Tennessee 35.8 -86.4|TX 德州 Texas 30.9 -97.4|UT - Utah 40.4 -111.9
VT - Vermont 44.1 -72.8|VA - Virginia 37.8 -77.8|WA - Washington 47.3 -121.6|WV - WestVirginia 38.8 -80.8
WI - Wisconsin 43.7 -89.0|WY - Wyoming 42.7 -107.0
""",
}
