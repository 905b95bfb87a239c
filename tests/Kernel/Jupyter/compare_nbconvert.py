"""Executes notebooks by `csnotebook run` and by `jupyter nbconvert`, both through this checkout's bin/csnotebook, and
compares the outputs.

    # Debian: python3-nbconvert, jupyter-client
    python3 tests/Kernel/Jupyter/compare_nbconvert.py notebooks/02-*.ipynb
    # with a cache of runs that both may read
    python3 tests/Kernel/Jupyter/compare_nbconvert.py --runs runs notebooks/*.ipynb

Each notebook runs at --set scale=smoke in a folder of its own whose `bin`, `lib` ... are links to this checkout.
Without --runs both train everything, so that equal outputs also say that training repeats. What the clock decides is
taken out before the comparison: durations, rates and dates; the course of the loss in a progress line; a table's rows
and columns, and a figure's points, whose names speak of time; all of a cell that is tagged `timings`, but not which
kinds of output it has. nbconvert's page must be written, too, and both notebooks be valid.
The last line is "N passed, N failed, N skipped".
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HOME = Path(__file__).resolve().parents[3]
OWN = {"notebooks", "runs", ".git"}     # not linked: these are the notebook's own, or of no use to it
NUMBER = re.compile(r"[-+−]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?", re.IGNORECASE)
# A row, a column or an axis with such a word holds what the clock said.
TIMED = re.compile(r"(?<!')\b(?:ms|s|seconds?|minutes?|hours?|time|per second|images/s)\b", re.IGNORECASE)
CLOCK = [
    (re.compile(r"\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?Z?)?"), "DATE"),
    (re.compile(r"\b\d+:\d\d(?::\d\d)?\b"), "DURATION"),
    (re.compile(r"\b(?:[\d,]+(?:\.\d+)? ?(?:µs|ms|s|sec|seconds?|min|minutes?|h|hours?)\b ?)+"), "DURATION "),
    (re.compile(r"\b[\d,]+(?:\.\d+)? (?:[a-z]+)(?:/s| per second)\b"), "RATE"),
    # A progress line's course of the loss: as many points as there were tenths of a second.
    (re.compile(r"<title>loss from \S+ to \S+</title><polyline[^>]*>"), "COURSE"),
    (re.compile(r"(?<=\d) [▁▂▃▄▅▆▇█]+$", re.MULTILINE), " COURSE"),
]
PLOTLY = "application/vnd.plotly.v1+json"


def main():
    options = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    options.add_argument("notebooks", nargs="+", type=Path)
    options.add_argument("--set", action="append", metavar="NAME=VALUE",
                         help="a parameter, as often as you like (default: scale=smoke)")
    options.add_argument("--runs", type=Path, help="a cache of trained runs that both use (default: both train)")
    options.add_argument("--keep", type=Path, help="leave the executed notebooks and the page in this folder")
    options = options.parse_args()

    passed = failed = skipped = 0
    missing = what_is_missing()
    for notebook in options.notebooks:
        if missing:
            print(f"{notebook.name}: skipped, {missing}")
            skipped += 1
            continue
        difference = compare(notebook.resolve(), options)
        print(f"{notebook.name}: {'same' if difference is None else difference}", flush=True)
        passed, failed = passed + (difference is None), failed + (difference is not None)
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    return failed > 0


def what_is_missing():
    try:
        import nbconvert    # noqa: F401
        import nbformat     # noqa: F401
    except ImportError as e:
        return f"there is no {e.name}: install Debian's python3-nbconvert"
    return None if (HOME / "bin/csnotebook").exists() else "there is no bin/csnotebook: run environment/setup.sh"


def compare(notebook, options):
    """None, or a sentence with the first difference."""
    with tempfile.TemporaryDirectory(prefix="compare-") as folder:
        house = Path(folder, "house")
        book = furnish(house, notebook, options.runs)
        try:
            ours = execute_ours(book, options.set or ["scale=smoke"])
            if not options.runs:
                forget_runs(house / "runs")
            theirs = execute_theirs(Path(folder), ours)
        except subprocess.CalledProcessError as e:
            command = " ".join(Path(str(word)).name for word in e.cmd[:4])
            return f"`{command} ...` failed:\n" + "\n".join(e.stdout.strip().splitlines()[-15:])
        finally:
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                for file in book.parent.glob(book.stem + "*"):
                    shutil.copy(file, options.keep)
        return first_difference(load(ours), load(theirs))


def furnish(house, notebook, runs):
    """A house like this checkout with the notebook in it: `../bin`, `../runs` and what lies beside the notebook are
    where it expects them."""
    book = house / "notebooks" / notebook.name
    book.parent.mkdir(parents=True)
    for entry in HOME.iterdir():
        if entry.name not in OWN:
            (house / entry.name).symlink_to(entry)
    for entry in notebook.parent.iterdir():
        if entry.name != notebook.name:
            (book.parent / entry.name).symlink_to(entry)
    if runs:
        (house / "runs").symlink_to(runs.resolve())
    shutil.copy(notebook, book)
    return book


def forget_runs(runs):
    """All but what the clock said of a training step, which is measured once and kept."""
    for entry in runs.iterdir() if runs.exists() else ():
        if entry.name != "measurements":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def execute_ours(book, values):
    out = book.with_name(book.stem + ".csnotebook.ipynb")
    parameters = [word for value in values for word in ("--set", value)]
    run([HOME / "bin/csnotebook", "run", book, *parameters, "--out", out])
    return out


def execute_theirs(folder, ours):
    """nbconvert executes the notebook that csnotebook saved, parameters and all, as it is."""
    env = os.environ | {"JUPYTER_PATH": str(folder / "kernels/share/jupyter"), "JUPYTER_PREFER_ENV_PATH": "0"}
    run([HOME / "bin/csnotebook", "install", "--prefix", folder / "kernels"])
    out = ours.with_name(ours.name.replace(".csnotebook.", ".nbconvert."))
    nbconvert = [sys.executable, "-m", "nbconvert", "--log-level=WARN"]
    run([*nbconvert, "--to", "notebook", "--execute", "--ExecutePreprocessor.kernel_name=csnotebook",
         "--ExecutePreprocessor.startup_timeout=180", "--output", out.name, ours], env=env, cwd=ours.parent)
    run([*nbconvert, "--to", "html", out], env=env, cwd=ours.parent)
    return out


def run(command, **where):
    subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **where)


def load(file):
    import nbformat

    notebook = json.loads(file.read_text(encoding="utf-8"))
    nbformat.validate(notebook)
    return [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]


def first_difference(ours, theirs):
    if len(ours) != len(theirs):
        return f"different, {len(ours)} code cells with csnotebook and {len(theirs)} with nbconvert"
    for mine, other in zip(ours, theirs):
        where = f"different in cell {mine['execution_count']} ({''.join(mine['source']).strip().splitlines()[0][:60]})"
        if mine["execution_count"] != other["execution_count"]:
            return (f"{where}: execution count {mine['execution_count']} with csnotebook, "
                    f"{other['execution_count']} with nbconvert")
        left, right = outputs(mine), outputs(other)
        if kinds(left) != kinds(right):
            return f"{where}: outputs {kinds(left)} with csnotebook, {kinds(right)} with nbconvert"
        if "timings" in mine["metadata"].get("tags", []):
            continue
        for (kind, a), (_, b) in zip(left, right):
            if a != b:
                at = next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), min(len(a), len(b)))
                begin = max(0, at - 40)
                return f"{where}, {kind}:\n  csnotebook  {a[begin:at + 60]!r}\n  nbconvert   {b[begin:at + 60]!r}"
    return None


def kinds(parts):
    return ", ".join(kind for kind, _ in parts) or "none"


def outputs(cell):
    """(kind, text) for each thing shown; neighbouring pieces of one stream are one, as front ends show them."""
    parts = []
    for output in cell["outputs"]:
        kind = output["output_type"]
        if kind == "stream":
            text = "".join(output["text"])
            if parts and parts[-1][0] == output["name"]:
                text = parts.pop()[1] + text
            parts.append((output["name"], text))
        elif kind == "error":
            parts.append((kind, f"{output['ename']}: {output['evalue']}"))
        else:
            figure = output["data"].get(PLOTLY)
            timed = figure is not None and TIMED.search(" ".join(axis_titles(figure)))
            for mime, data in sorted(output["data"].items()):
                parts.append((f"{kind} {mime}", shape_of(figure) if timed else normal(mime, as_text(data))))
    return [(kind, normal("text/plain", text)) for kind, text in parts]


def as_text(data):
    if isinstance(data, list) and all(isinstance(line, str) for line in data):
        return "".join(data)
    return data if isinstance(data, str) else json.dumps(data, sort_keys=True)


def axis_titles(figure):
    for name, axis in figure.get("layout", {}).items():
        if "axis" in name and isinstance(axis, dict):
            title = axis.get("title", "")
            yield title if isinstance(title, str) else title.get("text", "")
    for note in figure.get("layout", {}).get("annotations", []):
        yield note.get("text", "")


def shape_of(figure):
    """What a figure of measured times shows, but not where its points lie."""
    return "; ".join(f"{trace.get('type')} {trace.get('name')} of {len(trace.get('y', trace.get('z', [])))}"
                     for trace in figure["data"])


def normal(mime, text):
    if mime == "text/html":
        text = re.sub(r"<table.*?</table>", lambda table: html_table(table[0]), text, flags=re.DOTALL)
    elif mime == "text/markdown":
        text = markdown_tables(text)
    elif mime == "text/plain":
        text = "\n\n".join(plain_table(block) if "──" in block else block for block in text.split("\n\n"))
    if mime in ("text/html", "text/markdown", "text/plain"):
        for pattern, name in CLOCK:
            text = pattern.sub(name, text)
    return text


def html_table(table):
    rows = [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, flags=re.DOTALL)
            for row in re.findall(r"<tr.*?</tr>", table, flags=re.DOTALL)]
    caption = " ".join(re.findall(r"<caption[^>]*>(.*?)</caption>", table, flags=re.DOTALL))
    return "\n".join([caption, *(" | ".join(row) for row in without_times(rows, caption))])


def markdown_tables(text):
    parts = re.split(r"((?:^\|.*\n?)+)", text, flags=re.MULTILINE)
    for i in range(1, len(parts), 2):
        rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in parts[i].splitlines()]
        caption = (parts[i - 1].strip().splitlines() or [""])[-1]
        parts[i] = "\n".join(" | ".join(row) for row in without_times(rows, caption)) + "\n"
    return "".join(parts)


def plain_table(block):
    """Columns are as broad as their numbers, so spaces do not count; nor does any number where a column or the whole
    table is of times."""
    lines = [" ".join(line.split()) for line in block.replace("─", "").splitlines()]
    above = " ".join(lines[:block[:block.index("──")].count("\n")])
    return "\n".join(NUMBER.sub("N", line) if TIMED.search(above) or TIMED.search(line) else line for line in lines)


def without_times(rows, caption):
    columns = {i for i, cell in enumerate(rows[0]) if TIMED.search(cell)} if rows else set()
    for row in rows:
        timed = TIMED.search(caption) or row and TIMED.search(row[0])
        yield [NUMBER.sub("N", cell) if timed or i in columns else cell for i, cell in enumerate(row)]


if __name__ == "__main__":
    sys.exit(main())
