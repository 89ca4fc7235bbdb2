"""Text on paper: wrapped, cut with a sign, in every script, literal; a missing font refuses."""

import re

import pytest

from backoffice.errors import YikuError
from backoffice.papers import codes, fonts, letters, svg
from backoffice.papers.fonts import NoFont
from backoffice.papers.sheet import LABEL, Column, Sheet


@pytest.fixture
def sheet():
    made = Sheet(compress=False)
    made.page(LABEL)
    return made


def said(sheet) -> list[str]:
    return [text for _page, text in sheet.said]


def test_a_text_of_3000_letters_is_cut_with_a_sign(sheet):
    end = sheet.text(5, 5, "长" * 3_000, size=10, width=80, lines=3)
    assert len(said(sheet)) == 3
    assert said(sheet)[-1].endswith("长…")
    assert not said(sheet)[0].endswith("…")
    assert end == pytest.approx(5 + 3 * 10 * 0.3528 * 1.28)


def test_every_line_fits_its_width(sheet):
    for line in sheet.wrapped("Rue de la République 12 — 朝阳区建国路八十八号 " * 9, size=9, width=60, lines=40):
        assert sheet._width(line, False) * 9 * 0.3528 / 1000 <= 60


def test_words_are_not_torn_where_they_fit(sheet):
    assert sheet.wrapped("alpha beta gamma", size=10, width=22, lines=9) == ["alpha beta", "gamma"]


@pytest.mark.parametrize("text", ["{{7*7}}", "%n %s %(x)s", "<script>alert(1)</script>", "\\n (a) ) Tj ET"])
def test_untrusted_text_is_literal(sheet, text):
    sheet.text(5, 5, text, width=90)
    assert said(sheet) == [text]
    assert sheet.content().startswith(b"%PDF")


def test_a_sign_that_no_font_has_is_written_by_its_number(sheet):
    sheet.text(5, 5, "茶 \U0001f384 ok", width=90)
    assert said(sheet) == ["茶 [U+1F384] ok"]


def test_control_signs_and_marks_do_not_reach_the_paper(sheet):
    sheet.text(5, 5, "a\0b\x1b[31m\u202ec\ufe0f\u200d\nd\ud800", width=90)
    assert said(sheet)[0].startswith("a b[31mc d")


def test_arabic_letters_are_joined_and_run_from_the_right():
    assert letters.visual("سلام") == "\ufee1\ufefc\ufeb3"  # meem, lam-alef, seen: drawn from left to right
    assert letters.visual("שלום") == "םולש"
    assert letters.visual("plain 文字") == "plain 文字"


def test_mixed_directions_keep_latin_and_figures_readable():
    assert letters.visual("רחוב 12 Main").count("12") == 1
    assert "Main" in letters.visual("רחוב 12 Main")


def test_a_missing_font_says_which_command_helps(monkeypatch, settings):
    settings.PDF_FONT = "/nowhere/font.ttc"
    fonts._found.cache_clear()
    with pytest.raises(NoFont) as refusal:
        Sheet()
    assert "apt-get install fonts-noto-cjk" in str(refusal.value)
    settings.PDF_FONT = ""


def test_the_font_of_the_setting_is_used(settings):
    chosen = fonts.fonts().regular
    settings.PDF_FONT = f"{chosen.path}#{chosen.number}"
    assert fonts.fonts().regular == chosen
    assert fonts.fonts().bold == chosen


def test_a_table_goes_on_over_pages_under_its_head_again(sheet):
    def again() -> float:
        sheet.page(LABEL)
        return 10

    columns = (Column("SKU", 30), Column("Pieces", 30, "R"))
    sheet.table(5, 10, columns, [(f"S{n}", n) for n in range(1, 61)], bottom=140, again=again)
    assert sheet.pages == 3
    assert [text for page, text in sheet.said if page == 3][:2] == ["SKU", "Pieces"]
    assert [text for text in said(sheet) if text.startswith("S") and text != "SKU"] == [f"S{n}" for n in range(1, 61)]


def test_a_barcode_is_the_bars_of_its_text():
    wide, bars = codes.code128("AB12")
    assert sum(width for _start, width in bars) < wide
    assert bars[0] == (0, 2)  # each start sign begins with two black modules
    with pytest.raises(YikuError):
        codes.code128("单号")
    with pytest.raises(YikuError):
        codes.code128("")


def test_bars_on_a_page_are_those_on_paper_between_their_quiet_zones():
    wide, bars = codes.code128("R10012")
    drawn = svg.code128("R10012", height=60)
    assert f'viewBox="0 0 {wide + 20} 60"' in drawn
    assert [(int(x) - 10, int(w)) for x, w in re.findall(r"M(\d+) 0h(\d+)v60", drawn)] == bars
    assert 'aria-label="&lt;b&gt;"' in svg.code128("<b>")
    with pytest.raises(YikuError):
        svg.code128("单")


def test_a_qr_code_on_a_page_is_that_on_paper():
    side, runs = codes.qr("R10012")
    drawn = svg.qr("R10012")
    assert f'viewBox="0 0 {side + 4} {side + 4}"' in drawn
    assert drawn.count("M") == len(runs)


def test_a_qr_code_has_its_three_corners():
    side, runs = codes.qr("YP1|YP0000000001CN|张三")
    assert (0, 0, 7) in runs
    assert (0, side - 7, 7) in runs
    assert (side - 1, 0, 7) in runs
