"""NVRTC without a GPU, and the machine code that is kept on disk."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
from cuda_driver import KINDS

from arrayinit.core.dtypes import FORMATS
from arrayinit.kernels import machine_code
from arrayinit.kernels.cuda import source
from arrayinit.kernels.cuda_steps import cuda_steps

pytestmark = pytest.mark.usefixtures("torch_library", "driver")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(machine_code.VARIABLE, str(tmp_path / "a" / "folder"))
    return tmp_path / "a" / "folder"


EMPTY = 'extern "C" __global__ void draw() {}'


def test_nvrtc_compiles_once_and_anew_where_a_file_is_damaged(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from arrayinit.kernels import _nvrtc

    code, unkept = _nvrtc.compiled(EMPTY, 90), _nvrtc._compiled
    assert code[:4] == b"\x7fELF"
    (file,) = folder.iterdir()
    assert file.read_bytes()[32:] == code
    monkeypatch.setattr(_nvrtc, "_compiled", lambda *_: pytest.fail("it was compiled before"))
    assert _nvrtc.compiled(EMPTY, 90) == code
    monkeypatch.setattr(_nvrtc, "_compiled", unkept)
    for content in (b"", file.read_bytes()[:-1], bytes(32) + code):
        file.write_bytes(content)
        assert _nvrtc.compiled(EMPTY, 90)[:4] == b"\x7fELF"
        assert file.read_bytes()[32:][:4] == b"\x7fELF"
    assert [path.name for path in folder.iterdir()] == [file.name]


def test_another_architecture_source_or_release_is_another_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from arrayinit.kernels import _nvrtc

    monkeypatch.setattr(_nvrtc, "_compiled", lambda *_: b"code")
    for text, architecture in ((EMPTY, 90), (EMPTY, 80), (EMPTY + " ", 90), (EMPTY, 90)):
        _nvrtc.compiled(text, architecture)
    monkeypatch.setattr(_nvrtc, "_version", lambda: (13, 99))
    _nvrtc.compiled(EMPTY, 90)
    assert len(list(folder.iterdir())) == 4


def test_a_folder_that_cannot_be_written_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from arrayinit.kernels import _nvrtc

    (tmp_path / "file").touch()
    monkeypatch.setenv(machine_code.VARIABLE, str(tmp_path / "file" / "folder"))
    assert _nvrtc.compiled(EMPTY, 90)[:4] == b"\x7fELF"
    monkeypatch.setattr(machine_code, "folder", lambda: Path("~nobody of this name").expanduser())
    assert _nvrtc.compiled(EMPTY, 90)[:4] == b"\x7fELF"


@pytest.mark.parametrize(
    ("capability", "architecture"),
    [((9, 0), 90), ((8, 9), 89), ((8, 6), 86), ((7, 5), 75), ((12, 0), 120), ((7, 0), None), ((99, 0), None)],
)
def test_the_architecture_is_one_that_the_gpu_runs(capability: tuple[int, int], architecture: int | None) -> None:
    from arrayinit.kernels import _nvrtc

    if architecture is None:
        with pytest.raises(RuntimeError, match=r"NVRTC 1\d\.\d does not compile for a GPU of version"):
            _nvrtc.best_architecture(capability)
    else:
        assert _nvrtc.best_architecture(capability) == architecture


def test_an_error_of_nvrtc_shows_its_log() -> None:
    from arrayinit.kernels import _nvrtc

    with pytest.raises(RuntimeError, match=r"(?s)NVRTC_ERROR_COMPILATION.*arrayinit.cu\(1\): error: expected"):
        _nvrtc.compiled("int x = ;", 90)


@pytest.mark.parametrize(("distribution", "dtype"), [KINDS[0], KINDS[3]], ids=["normal", "complex"])
def test_nvrtc_compiles_the_kernels(distribution: Any, dtype: str, folder: Path) -> None:
    from arrayinit.kernels import _nvrtc

    program = cuda_steps(distribution, FORMATS[dtype]).program
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert b"draw" in _nvrtc.compiled(source(program, dtype), 90)
