from __future__ import annotations

import hashlib
import tracemalloc
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from ccml.telemetry.readers.lines import read_lines


@given(st.binary(max_size=400), st.integers(1, 40))
@example(b"\xef\xbb\xbf\x00", 1)
@example(b"\xef\xbb\xbf", 1)
def test_lines_are_those_of_the_file_whatever_their_length(
    tmp_path_factory: object, content: bytes, limit: int
) -> None:
    path = Path(tmp_path_factory.mktemp("lines")) / "log"  # type: ignore[attr-defined]
    path.write_bytes(content)
    text = content.removeprefix(b"\xef\xbb\xbf")
    expected = text.split(b"\n") if text else []
    if content.endswith(b"\n"):
        expected.pop()

    found = list(read_lines(path, limit))

    assert [line.number for line in found] == list(range(1, len(expected) + 1))
    for line, whole in zip(found, expected, strict=True):
        if line.digest is None:
            assert line.raw == whole.removesuffix(b"\r")
        else:
            assert len(whole) > limit
            assert whole.startswith(line.raw.removesuffix(b"\r")) or line.number == 1
    assert all(line.ended for line in found[:-1])
    assert not found or found[-1].ended == content.endswith(b"\n")


def test_a_long_line_is_hashed_whole_and_hides_nothing_after_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    long = b"x" * 3_000_000
    path.write_bytes(b"first\n" + long + b"\nlast\n")

    first, refused, last = read_lines(path, 1_000)

    assert (first.raw, last.raw, last.number) == (b"first", b"last", 3)
    assert refused.size == len(long)
    assert refused.sha256 == hashlib.sha256(long).hexdigest()
    assert refused.digest is not None


def test_a_long_line_does_not_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with path.open("wb") as file:
        for _ in range(50):
            file.write(b"x" * 1_000_000)
        file.write(b"\nlast")
    tracemalloc.start()

    found = [line.size for line in read_lines(path, 256 * 1024)]

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == [50_000_000, 4]
    assert peak < 4_000_000


def test_windows_line_ends_and_a_byte_order_mark_are_not_content(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"\xef\xbb\xbfone\r\ntwo\r\n")

    assert [line.raw for line in read_lines(path, 100)] == [b"one", b"two"]
