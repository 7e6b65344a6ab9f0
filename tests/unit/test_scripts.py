"""Languages told by their script."""

from __future__ import annotations

import pytest

from classifiers.language import LanguageIdentifier
from classifiers.scripts import SCRIPTS, language_of_script


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("안녕하세요", "ko"),
        ("パン屋", "ja"),
        ("東京へ行く", "ja"),
        ("磨坊在哪里", "zh"),
        ("สวัสดี", "th"),
        ("রুটি", "bn"),
        ("ਰੋਟੀ", "pa"),
        ("રોટલી", "gu"),
        ("ରୁଟି", "or"),
        ("ரொட்டி", "ta"),
        ("రొట్టె", "te"),
        ("ರೊಟ್ಟಿ", "kn"),
        ("റൊട്ടി", "ml"),
        ("පාන්", "si"),
        ("ເຂົ້າຈີ່", "lo"),
        ("བག་ལེབ", "bo"),
        ("ပေါင်မုန့်", "my"),
        ("პური", "ka"),
        ("հաց", "hy"),
        ("ψωμί", "el"),
        ("នំប៉័ង", "km"),
        ("ރޮށި", "dv"),
        ("bread", ""),
        ("хлеб", ""),
        ("خبز", ""),
        ("रोटी", ""),
        ("לחם", ""),
        ("", ""),
        ("12 ?!", ""),
    ],
)
def test_a_script_of_one_language_tells_it(text: str, language: str) -> None:
    assert language_of_script(text) == language


def test_half_of_the_letters_decide() -> None:
    assert language_of_script("磨坊 mi") == "zh"
    assert language_of_script("磨坊 mill") == ""
    assert language_of_script("Where does the letter α stand?") == ""


def test_a_japanese_name_in_chinese_stays_chinese() -> None:
    assert language_of_script("磨坊主人每天早上六点起床磨面粉做の包") == "zh"


def test_all_languages_are_the_models() -> None:
    assert SCRIPTS.keys() <= LanguageIdentifier().languages()
