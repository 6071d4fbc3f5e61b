"""What is said where Spark cannot run."""

import stat
from pathlib import Path

import pytest

from models.errors import WarmlineError
from models.settings import Spark
from pipelines.spark import session


def java_home(folder: Path, said: str) -> dict[str, str]:
    """An environment whose Java says that."""
    java = folder / "bin" / "java"
    java.parent.mkdir()
    java.write_text(f"#!/bin/sh\necho '{said}' >&2\n")
    java.chmod(java.stat().st_mode | stat.S_IXUSR)
    return {"JAVA_HOME": str(folder)}


@pytest.mark.parametrize(
    ("said", "version"),
    [('openjdk version "17.0.15" 2025-04-15', 17), ('java version "21" 2023-09-19 LTS', 21)],
)
def test_a_java_that_is_new_enough_is_taken(tmp_path, said, version):
    assert session.java_version(java_home(tmp_path, said)) == version


def test_an_old_java_is_refused_with_what_to_install(tmp_path):
    environment = java_home(tmp_path, 'openjdk version "1.8.0_412"')
    with pytest.raises(WarmlineError, match=r"is version 8.*openjdk-17-jre-headless"):
        session.java_version(environment)


def test_without_java_it_says_where_it_looked(tmp_path):
    with pytest.raises(WarmlineError, match=r"no Java in JAVA_HOME.*openjdk-17-jre-headless"):
        session.java_version({"JAVA_HOME": str(tmp_path)})


def test_without_the_extra_it_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(session, "find_spec", lambda name: None)
    with pytest.raises(WarmlineError, match=r"install pyspark\[connect\]"):
        session.require(Spark())


def test_a_token_is_never_shown():
    asked = Spark(remote="sc://host:443/;token=secret")
    assert "secret" not in session.require(asked)
    assert "secret" not in repr(asked)
