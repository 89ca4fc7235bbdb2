"""Signatures against the platforms' published vectors; nothing unsigned or half-signed passes."""

import pytest

from backoffice.calls.signing import (
    hmac_base64,
    hmac_hex,
    oauth1_base_string,
    oauth1_params,
    oauth1_signature,
    verify_base64,
    verify_hex,
)

BODY = '{"id":820982911946154508,"note":"héllo"}'.encode()
SIGNATURE = "SqsiW9bQ4q7+qiwfnOTmydZ3qfdELfE9DkBHinGhjhI="


def test_webhook_vector_of_shopify_and_woocommerce():
    assert hmac_base64("hush", BODY) == SIGNATURE
    assert verify_base64("hush", BODY, SIGNATURE)


def test_shopee_call_vector():
    base = b"2001887/api/v2/shop/get_shop_info165571443159777174636562737266615546704c6d14701711"
    expected = "ef376a57a7581c87577c2f3c56fbbd8c552e3600e41702bc65343f18d4659b4a"
    assert hmac_hex("shpk_test_partner_key", base) == expected
    assert verify_hex("shpk_test_partner_key", base, expected)


def test_shopee_push_vector():
    data = b'{"ordersn":"220620TESTSN","status":"READY_TO_SHIP"}'
    body = b'{"shop_id":14701711,"code":3,"timestamp":1655714431,"data":' + data + b"}"
    expected = "a3c44df9c0135061b6685edb98ce5bc05433ab7b47ed4f94a0a6c8c5fdcdf4c4"
    assert hmac_hex("shpk_test_partner_key", b"https://example.com/hooks/shopee|" + body) == expected


def test_douyin_call_vector():
    base = (
        'dd-secretapp_key7000000000000000000methodorder.searchListparam_json{"page":0,"size":10,'
        '"update_time_start":1700000000}timestamp1700000100v2dd-secret'
    )
    assert hmac_hex("dd-secret", base.encode()) == "e4349752102564bed37656e708c659fde18e91d91bea294b64872b67e8d869af"


@pytest.mark.parametrize(
    "signature",
    [
        "",
        " ",
        "x",
        SIGNATURE[:-1],
        SIGNATURE.lower(),
        SIGNATURE + "A",
        "é",
        "SqsiW9bQ4q7+qiwfnOTmydZ3qfdELfE9DkBHinGhjhJ=",
    ],
)
def test_a_missing_or_changed_signature_fails(signature):
    assert not verify_base64("hush", BODY, signature)


def test_a_changed_body_or_secret_fails():
    assert not verify_base64("hush", BODY + b" ", SIGNATURE)
    assert not verify_base64("hush2", BODY, SIGNATURE)


def test_an_empty_secret_verifies_nothing():
    assert not verify_base64("", BODY, hmac_base64("", BODY))
    assert not verify_hex("", BODY, hmac_hex("", BODY))


def test_oauth_base_string_as_printed_in_the_woocommerce_docs():
    base = oauth1_base_string(
        "GET",
        "http://www.example.com/wp-json/wc/v3/orders",
        [("oauth_consumer_key", "abc123"), ("oauth_signature_method", "HMAC-SHA1")],
    )
    assert base == (
        "GET&http%3A%2F%2Fwww.example.com%2Fwp-json%2Fwc%2Fv3%2Forders"
        "&oauth_consumer_key%3Dabc123%26oauth_signature_method%3DHMAC-SHA1"
    )
    assert oauth1_signature("xyz456", base, method="HMAC-SHA1") == "9tJq+uM1o836mzYtP8ePGHJV1PA="


def test_oauth_base_string_of_rfc_5849():
    params = [
        ("b5", "=%3D"),
        ("a3", "a"),
        ("c@", ""),
        ("a2", "r b"),
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
        ("c2", ""),
        ("a3", "2 q"),
    ]
    assert oauth1_base_string("post", "http://EXAMPLE.com:80/request", params) == (
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D"
        "%26c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1"
        "%26oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    )


def test_oauth_params_sign_the_query_of_the_address_too_and_keep_another_port():
    got = oauth1_params(
        "GET",
        "http://127.0.0.1:8081/wp-json/wc/v3/orders?page=2",
        {"status": "any"},
        key="ck_1",
        secret="cs_1",
        timestamp=1795279305,
        nonce="n1",
    )
    assert got["status"] == "any"
    assert got["oauth_signature_method"] == "HMAC-SHA256"
    base = (
        "GET&http%3A%2F%2F127.0.0.1%3A8081%2Fwp-json%2Fwc%2Fv3%2Forders&oauth_consumer_key%3Dck_1%26oauth_nonce%3Dn1"
        "%26oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1795279305%26page%3D2%26status%3Dany"
    )
    assert got["oauth_signature"] == hmac_base64("cs_1&", base.encode())
