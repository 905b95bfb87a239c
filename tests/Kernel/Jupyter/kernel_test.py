"""Jupyter's own test suite (Debian: python3-jupyter-kernel-test) on this checkout's kernel, and what it leaves out.

    /usr/bin/python3 tests/Kernel/Jupyter/kernel_test.py     # CSNOTEBOOK=COMMAND for another one than bin/csnotebook

The kernel is installed into a folder that is removed again. The last line is "N passed, N failed, N skipped".
"""
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

try:
    import jupyter_kernel_test
    from jupyter_client.manager import KernelManager
except ImportError as missing:
    print(f"{missing.name} is missing: apt-get install python3-jupyter-client python3-jupyter-kernel-test.")
    print("0 passed, 0 failed, 1 skipped")
    sys.exit(0)

PROGRAM = shlex.split(os.environ.get("CSNOTEBOOK", "")) or [Path(__file__).resolve().parents[3] / "bin" / "csnotebook"]
KERNEL = "csnotebook"
REPEATS = int(os.environ.get("CSNOTEBOOK_REPEATS", "1"))
ENDLESS = [
    "while (true) { }",
    "while (true) try { throw new Exception(); } catch { }",
    "while (true) { var bytes = new byte[100_000]; bytes[0] = 1; }",
    "Enumerable.Range(0, int.MaxValue).Select(i => (long)i * 2).Where(x => x < 0).Count()",
    "Parallel.For(0, 1_000_000, i => { while (true) { } });",
    "await Task.Delay(100_000);",
    "System.Threading.Thread.Sleep(100_000);",
]
jupyter_kernel_test.TIMEOUT = 60
prefix = tempfile.TemporaryDirectory(prefix="csnotebook-test-")


def setUpModule():
    subprocess.run([*PROGRAM, "install", "--prefix", prefix.name], check=True)
    os.environ["JUPYTER_PATH"] = str(Path(prefix.name) / "share" / "jupyter")


def tearDownModule():
    prefix.cleanup()


class Suite(jupyter_kernel_test.KernelTests):
    kernel_name = KERNEL
    language_name = "C#"
    file_extension = ".cs"
    code_hello_world = 'Console.WriteLine("hello, world");'
    code_stderr = 'Console.Error.WriteLine("oops");'
    completion_samples = [
        {"text": "Math.Ata", "matches": {"Atan", "Atan2", "Atanh"}},
        {"text": "#!whos", "matches": {"#!whos"}},
        {"text": '"x".ToUpp', "matches": {"ToUpper", "ToUpperInvariant"}},
    ]
    complete_code_samples = ["1", 'Console.WriteLine("hello");', "int Twice(int x) => 2 * x;", "{ var x = 1; }"]
    incomplete_code_samples = ["void F() {", "Console.WriteLine(", "/* a comment", "int Twice(int x) =>"]
    invalid_code_samples = ["var x = );", "foreach in;"]
    code_generate_error = 'throw new InvalidOperationException("no");'
    code_execute_result = [
        {"code": "6 * 7", "result": "42"},
        {"code": '"a" + "b"', "result": "ab"},
        {"code": "new[] { 1, 2, 3 }.Sum()", "result": "6"},
    ]
    code_display_data = [
        {"code": 'display(HTML("<b>bold</b>"));', "mime": "text/html"},
        {"code": '"text".Display();', "mime": "text/plain"},
    ]
    code_history_pattern = "6 ? 7"
    supported_history_operations = ("tail", "range", "search")
    code_inspect_sample = "Console.WriteLine"
    code_clear_output = "Microsoft.DotNet.Interactive.Kernel.ClearOutput();"


class Front(unittest.TestCase):
    """A front end's other wishes, over each transport."""

    transport = "tcp"

    def setUp(self):
        self.km = KernelManager(kernel_name=KERNEL, transport=self.transport)
        self.km.start_kernel()
        self.kc = self.km.blocking_client()
        self.kc.start_channels()
        self.kc.wait_for_ready(timeout=60)

    def tearDown(self):
        self.kc.stop_channels()
        self.km.shutdown_kernel(now=True)

    def run_cell(self, code, **options):
        shown = []
        reply = self.kc.execute_interactive(code, timeout=60, output_hook=shown.append, **options)["content"]
        return reply, [(m["msg_type"], m["content"]) for m in shown]

    def reply(self):
        """The next cell's reply: where the kernel was slow to start, answers to repeated greetings come before."""
        while (message := self.kc.get_shell_msg(timeout=60))["msg_type"] != "execute_reply":
            pass
        return message["content"]

    def value(self, shown):
        return next(c["data"]["text/plain"] for t, c in shown if t == "execute_result")

    def test_streams_keep_their_order(self):
        code = "for (int i = 0; i < 50; i++) { Console.Write($\"o{i} \"); Console.Error.Write($\"e{i} \"); }"
        _, shown = self.run_cell(code)
        text = "".join(c["text"] for t, c in shown if t == "stream")
        self.assertEqual(text, "".join(f"o{i} e{i} " for i in range(50)))

    def test_input_is_answered(self):
        def answer(message):
            self.assertEqual(message["content"]["prompt"], "Name? ")
            self.kc.input("Ada")

        reply, shown = self.run_cell(
            'var name = await Microsoft.DotNet.Interactive.Kernel.GetInputAsync("Name? "); name.Length',
            allow_stdin=True, stdin_hook=answer)
        self.assertEqual(reply["status"], "ok", reply)
        self.assertEqual(self.value(shown), "3")

    def stop(self, code, by_signal):
        """Seconds from the interrupt of a running cell to its reply."""
        self.kc.execute('Console.WriteLine("go"); ' + code)
        while self.kc.get_iopub_msg(timeout=60)["msg_type"] != "stream":
            pass
        time.sleep(0.3)
        asked = time.time()
        if by_signal:
            os.kill(self.km.provisioner.pid, signal.SIGINT)
        else:
            self.km.interrupt_kernel()
        self.assertEqual(self.reply()["ename"], "KeyboardInterrupt")
        while self.kc.get_iopub_msg(timeout=60)["content"].get("execution_state") != "idle":
            pass
        return time.time() - asked

    def test_interrupt(self):
        self.run_cell("var alive = 42;")
        for by_signal in (False, True):
            for code in ENDLESS:
                took = [self.stop(code, by_signal) for _ in range(REPEATS)]
                way = "signal" if by_signal else "message"
                print(f"\n{max(took):.2f} s at most of {REPEATS}, by {way}: {code}", end="", flush=True)
                self.assertLess(max(took), 10)
                self.assertEqual(self.value(self.run_cell("alive")[1]), "42")

    def test_an_error_aborts_what_waits(self):
        self.kc.execute("System.Threading.Thread.Sleep(500); throw new Exception();")
        self.kc.execute("1")
        self.kc.execute("2")
        states = [self.reply()["status"] for _ in range(3)]
        self.assertEqual(states, ["error", "aborted", "aborted"])

    def test_user_expressions(self):
        reply, _ = self.run_cell("var seven = 7;", user_expressions={"a": "seven * 6", "b": "nothing"})
        self.assertEqual(reply["user_expressions"]["a"]["data"]["text/plain"], "42")
        self.assertEqual(reply["user_expressions"]["b"]["status"], "error")

    def test_restart_forgets(self):
        self.run_cell("var kept = 1;")
        self.km.restart_kernel()
        self.kc.wait_for_ready(timeout=60)
        self.assertEqual(self.run_cell("kept")[0]["status"], "error")


class FrontOverIpc(Front):
    transport = "ipc"


if __name__ == "__main__":
    result = unittest.main(exit=False).result
    failed, skipped = len(result.failures) + len(result.errors), len(result.skipped)
    print(f"{result.testsRun - failed - skipped} passed, {failed} failed, {skipped} skipped")
    sys.exit(failed > 0)
