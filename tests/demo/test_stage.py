from pathlib import Path

from bot.demo.stage import timezone_name


def test_the_timezone_is_the_computer_s(tmp_path: Path) -> None:
    localtime = tmp_path / "localtime"
    localtime.symlink_to("/usr/share/zoneinfo/Asia/Shanghai")
    assert timezone_name(localtime) == "Asia/Shanghai"


def test_an_unnamed_timezone_is_shown_as_utc(tmp_path: Path) -> None:
    localtime = tmp_path / "localtime"
    localtime.write_bytes(b"TZif2")
    assert timezone_name(localtime) == "UTC"
    assert timezone_name(tmp_path / "missing") == "UTC"
