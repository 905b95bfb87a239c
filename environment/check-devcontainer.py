#!/usr/bin/env python3
"""Checks .devcontainer/devcontainer.json: that tools can read it, and that what it names is there.

    python3 environment/check-devcontainer.py                  # with npm, the Dev Containers CLI reads it, too
    python3 environment/check-devcontainer.py --schema FILE    # also against containers.dev's
                                                               # devContainer.base.schema.json

The last line is "N passed, N failed, N skipped".
"""
import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
FILE = HOME / ".devcontainer/devcontainer.json"
CLI = "@devcontainers/cli@0.89"


class Skipped(Exception):
    pass


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("--schema", type=Path, help="the published JSON schema")
    schema = options.parse_args().schema
    config = json.loads(FILE.read_text(encoding="utf-8"))
    checks = {
        "the Dockerfile has the stage": lambda: stage(config["build"]),
        "the kernel is installed after creation": lambda: after_creation(config["postCreateCommand"]),
        "Jupyter's extension is recommended": lambda: extensions(config["customizations"]["vscode"]["extensions"]),
        "the settings' folders are there": lambda: folders(config["customizations"]["vscode"]["settings"]),
        "csnotebook installs its kernel": kernels,
        "the Dev Containers CLI reads it": lambda: read_by_cli(config),
        "the published schema holds": lambda: validate(config, schema),
    }
    counts = {"passed": 0, "failed": 0, "skipped": 0}
    for name, check in checks.items():
        try:
            check()
            said = "passed"
        except Skipped as e:
            said = f"skipped, {e}"
        except Exception as e:
            said = f"failed, {type(e).__name__}: {e}"
        counts[said.split(",")[0]] += 1
        print(f"{name}: {said}")
    print(", ".join(f"{count} {word}" for word, count in counts.items()))
    return counts["failed"] > 0


def expect(condition, sentence):
    if not condition:
        raise ValueError(sentence)


def stage(build):
    dockerfile = FILE.parent / build["dockerfile"]
    text, target = dockerfile.read_text(encoding="utf-8"), build["target"]
    stages = re.findall(r"^FROM\s+\S+\s+AS\s+(\S+)", text, re.MULTILINE | re.IGNORECASE)
    expect(target in stages, f"{dockerfile.name} has the stages {', '.join(stages)}, but not {target}")
    expect((FILE.parent / build["context"]).resolve() == HOME, f"the context {build['context']} is not the repository")


def after_creation(command):
    steps = [step.strip() for step in command.split("&&")]
    expect(steps == ["bash environment/setup.sh --vscode", "bin/csnotebook install --user"], f"it is '{command}'")
    expect((HOME / "environment/setup.sh").exists(), "there is no environment/setup.sh")


def extensions(names):
    expect("ms-toolsai.jupyter" in names, "ms-toolsai.jupyter is not among the extensions")
    odd = [name for name in names if not re.fullmatch(r"[A-Za-z0-9][\w-]*\.[A-Za-z0-9][\w-]*", name)]
    expect(not odd, f"{', '.join(odd)} is no publisher.name")


def folders(settings):
    for key, value in settings.items():
        if str(value).startswith("${workspaceFolder}/"):
            expect((HOME / value.split("/", 1)[1]).is_dir(), f"{key} names {value}, which is no folder")


def kernels():
    csnotebook = HOME / "bin/csnotebook"
    if not csnotebook.exists():
        raise Skipped("there is no bin/csnotebook: run environment/setup.sh")
    with tempfile.TemporaryDirectory() as prefix:
        subprocess.run([csnotebook, "install", "--prefix", prefix], check=True, capture_output=True)
        specs = {
            spec.parent.name: json.loads(spec.read_text(encoding="utf-8")) for spec in Path(prefix).rglob("kernel.json")
        }
    expect("csnotebook" in specs, f"it wrote {', '.join(specs) or 'nothing'}")
    expect(specs["csnotebook"]["argv"][-1] == "{connection_file}", f"argv is {specs['csnotebook']['argv']}")


def read_by_cli(config):
    if not shutil.which("npx"):
        raise Skipped("there is no npx")
    # Reading needs no Docker, only a program of that name to ask.
    with tempfile.TemporaryDirectory() as folder:
        command = ["npx", "--yes", CLI, "read-configuration", "--workspace-folder", str(HOME)]
        command += ["--docker-path", shutil.which("true")]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode != 0 and re.search("npm (ERR|error)", done.stderr):
        raise Skipped("npm could not fetch the CLI")
    expect(done.returncode == 0, done.stderr.strip()[-500:])
    read = json.loads(done.stdout)["configuration"]
    differ = [key for key in config if read.get(key) != config[key]]
    expect(not differ, f"the CLI reads {', '.join(differ)} otherwise")


def validate(config, schema):
    if schema is None:
        raise Skipped("no --schema was given")
    try:
        import jsonschema
    except ImportError:
        raise Skipped("there is no jsonschema: install Debian's python3-jsonschema") from None
    published = json.loads(schema.read_text(encoding="utf-8"))
    errors = list(jsonschema.validators.validator_for(published)(published).iter_errors(config))
    expect(not errors, "; ".join(error.message for error in errors))


if __name__ == "__main__":
    sys.exit(main())
