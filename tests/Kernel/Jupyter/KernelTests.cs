using System.Text.Json.Nodes;
using CsNotebook.Jupyter;
using Xunit;

namespace CsNotebook.Tests.Jupyter;

/// <summary>The kernel as a front end sees it.</summary>
[Trait("speed", "seconds")]
public sealed class KernelTests
{
    [Theory]
    [InlineData("tcp", "secret")]
    [InlineData("ipc", "")]
    public void A_cell_is_executed(string transport, string key)
    {
        using var front = new FrontEnd(transport, key);
        Assert.True(front.Beats());
        var (reply, shown) = front.Run(
            """
            var x = 41;
            Console.Write("a"); Console.Error.Write("b"); Console.Write("c");
            var d = display(HTML("<b>1</b>")); d.Update(HTML("<b>2</b>"));
            Microsoft.DotNet.Interactive.Kernel.ClearOutput(wait: true);
            Console.Write("end");
            x + 1
            """
        );
        Assert.Equal(("ok", 1), ((string?)reply["status"], (int)reply["execution_count"]!));
        Assert.Equal(
            [
                "execute_input",
                "stream",
                "stream",
                "stream",
                "display_data",
                "update_display_data",
                "clear_output",
                "stream",
                "execute_result",
            ],
            shown.Select(m => m.Type)
        );
        Assert.Equal(
            "stdout a, stderr b, stdout c, stdout end",
            string.Join(
                ", ",
                shown.Where(m => m.Type == "stream").Select(m => $"{m.Content["name"]} {m.Content["text"]}")
            )
        );
        Assert.Equal(
            (string?)shown[4].Content["transient"]!["display_id"],
            (string?)shown[5].Content["transient"]!["display_id"]
        );
        Assert.Equal("42", (string?)shown[^1].Content["data"]!["text/plain"]);
        Assert.Equal(2, (int)front.Run("x").Reply["execution_count"]!);
    }

    [Fact]
    public void Streams_are_gathered_and_keep_their_order()
    {
        using var front = new FrontEnd("ipc");
        var (_, shown) = front.Run("for (int i = 0; i < 2000; i++) Console.WriteLine(i);");
        Assert.InRange(shown.Count, 2, 20);
        (_, shown) = front.Run("for (int i = 0; i < 100; i++) { Console.Write(\"o\"); Console.Error.Write(\"e\"); }");
        Assert.Equal(
            string.Concat(Enumerable.Repeat("oe", 100)),
            string.Concat(shown.Where(m => m.Type == "stream").Select(m => (string?)m.Content["text"]))
        );
    }

    [Fact]
    public void Broken_text_does_not_break_the_kernel()
    {
        using var front = new FrontEnd("ipc");
        var (_, shown) = front.Run("Console.Write(\"a\\ud800b\\0\"); new string('\\udc00', 1)");
        Assert.Equal("a\ufffdb\0", (string?)shown[1].Content["text"]);
        Assert.Equal("execute_result", shown[^1].Type);
    }

    [Fact]
    public void A_failing_cell_names_its_line()
    {
        using var front = new FrontEnd("ipc");
        var (reply, shown) = front.Run("var a = 1;\nthrow new InvalidOperationException(\"no\");");
        Assert.Equal("error", (string?)reply["status"]);
        Assert.Contains("no", (string?)reply["evalue"], StringComparison.Ordinal);
        Assert.Equal("error", shown[^1].Type);
        Assert.Contains(
            "line 2",
            string.Join('\n', shown[^1].Content["traceback"]!.AsArray()),
            StringComparison.OrdinalIgnoreCase
        );
    }

    [Fact]
    public void A_silent_cell_shows_and_counts_nothing()
    {
        using var front = new FrontEnd("ipc");
        var (reply, shown) = front.Run("var quiet = 1; Console.Write(1); quiet", new JsonObject { ["silent"] = true });
        Assert.Equal("ok", (string?)reply["status"]);
        Assert.Empty(shown);
        var expressions = new JsonObject { ["a"] = "quiet + 2", ["b"] = "none" };
        (reply, _) = front.Run(
            "quiet + 1",
            new JsonObject { ["store_history"] = false, ["user_expressions"] = expressions }
        );
        Assert.Equal("3", (string?)reply["user_expressions"]!["a"]!["data"]!["text/plain"]);
        Assert.Equal("error", (string?)reply["user_expressions"]!["b"]!["status"]);
        Assert.Equal(0, (int)reply["execution_count"]!);
        (reply, _) = front.Run("3");
        Assert.Equal(1, (int)reply["execution_count"]!);
        (reply, _) = front.Run("throw new Exception();", new JsonObject { ["store_history"] = false });
        Assert.Equal(
            ("uncounted cell 5, line 1:", 1),
            ((string?)reply["traceback"]![1], (int)reply["execution_count"]!)
        );
        (reply, _) = front.Run("\nthrow new Exception();");
        Assert.Equal(("In [2], line 2:", 2), ((string?)reply["traceback"]![1], (int)reply["execution_count"]!));
        var history = front.Ask(
            "history_request",
            new JsonObject
            {
                ["hist_access_type"] = "tail",
                ["n"] = 5,
                ["output"] = true,
                ["raw"] = true,
            }
        );
        Assert.Equal(
            "[[1,1,[\"3\",\"3\"]],[1,2,[\"\\nthrow new Exception();\",null]]]",
            history["history"]!.ToJsonString()
        );
    }

    [Fact]
    public void A_silent_cell_that_fails_aborts_nothing()
    {
        using var front = new FrontEnd("ipc");
        front.Send(
            "execute_request",
            FrontEnd.Cell(
                "System.Threading.Thread.Sleep(500); throw new Exception();",
                new JsonObject { ["silent"] = true }
            )
        );
        front.Send("execute_request", FrontEnd.Cell("1"));
        Assert.Equal(
            ["error", "ok"],
            Enumerable.Range(0, 2).Select(_ => (string?)FrontEnd.Take(front.Shell).Content["status"])
        );
    }

    [Fact]
    public void What_comes_during_the_warm_up_waits_and_sees_nothing_of_it()
    {
        using var front = new FrontEnd("ipc");
        var (reply, shown) = front.Run("#!who");
        Assert.Equal(("ok", 1), ((string?)reply["status"], (int)reply["execution_count"]!));
        Assert.Equal("", (string?)shown[^1].Content["data"]!["text/plain"]);
        Assert.Equal("CompilationError", (string?)front.Run("numbers").Reply["ename"]);
        Assert.Equal("", front.Local!.Log.ToString());
    }

    [Fact]
    public void Another_key_is_rejected()
    {
        using var front = new FrontEnd("tcp");
        var own = front.Codec;
        front.Codec = new MessageCodec("another", "stranger");
        front.Send("execute_request", FrontEnd.Cell("var intruder = 1;"));
        front.SendControl("shutdown_request", []);
        front.Codec = own;
        Assert.Equal("error", (string?)front.Run("intruder").Reply["status"]);
        Assert.Contains("signature is wrong", front.Local!.Log.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, "error aborted aborted ok")]
    [InlineData(false, "error ok ok ok")]
    public void An_error_aborts_the_cells_that_wait(bool stopOnError, string expected)
    {
        using var front = new FrontEnd("ipc");
        front.Send(
            "execute_request",
            FrontEnd.Cell(
                "System.Threading.Thread.Sleep(500); throw new Exception();",
                new JsonObject { ["stop_on_error"] = stopOnError }
            )
        );
        front.Send("execute_request", FrontEnd.Cell("1"));
        front.Send("execute_request", FrontEnd.Cell("2"));
        front.Send("kernel_info_request", []);
        Assert.Equal(
            expected,
            string.Join(' ', Enumerable.Range(0, 4).Select(_ => (string?)FrontEnd.Take(front.Shell).Content["status"]))
        );
    }

    [Fact]
    public void The_user_is_asked()
    {
        using var front = new FrontEnd("tcp");
        string id = front.Send(
            "execute_request",
            FrontEnd.Cell(
                "var name = await Microsoft.DotNet.Interactive.Kernel.GetPasswordAsync(\"Name? \"); name.Length"
            )
        );
        var question = FrontEnd.Take(front.Stdin);
        Assert.Equal(
            ("Name? ", true, id),
            ((string?)question.Content["prompt"], (bool)question.Content["password"]!, FrontEnd.Parent(question))
        );
        front.Answer("Ada");
        Assert.Equal("ok", (string?)FrontEnd.Take(front.Shell).Content["status"]);
        Assert.Equal("3", (string?)front.Published(id)[^1].Content["data"]!["text/plain"]);
        var (reply, _) = front.Run("Console.ReadLine()", new JsonObject { ["allow_stdin"] = false });
        Assert.Contains("asks for input", (string?)reply["evalue"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("while (true) alive[0] = 1;")]
    [InlineData("Console.ReadLine();")]
    [InlineData("while (true) Console.WriteLine(\"on and on\");")]
    public void An_interrupt_stops_the_cell_and_variables_live_on(string code)
    {
        using var front = new FrontEnd("tcp");
        front.Run("var alive = new List<int> { 1 };");
        string id = front.Send("execute_request", FrontEnd.Cell(code));
        Thread.Sleep(1000);
        Assert.True(front.Beats());
        front.Interrupt();
        var reply = FrontEnd.Take(front.Shell);
        Assert.Equal((id, "KeyboardInterrupt"), (FrontEnd.Parent(reply), (string?)reply.Content["ename"]));
        front.Published(id);
        Assert.Equal("1", (string?)front.Run("alive[0]").Shown[^1].Content["data"]!["text/plain"]);
    }

    [Fact]
    public void Help_counts_in_code_points()
    {
        using var front = new FrontEnd("ipc");
        front.Run("var text = \"x\";");
        string code = "\"\U0001F600\" + text.ToUpp";
        var reply = front.Ask("complete_request", new JsonObject { ["code"] = code, ["cursor_pos"] = code.Length - 1 });
        Assert.Contains("ToUpper", reply["matches"]!.AsArray().Select(m => (string?)m));
        Assert.Equal((code.Length - 6, code.Length - 1), ((int)reply["cursor_start"]!, (int)reply["cursor_end"]!));
        reply = front.Ask(
            "inspect_request",
            new JsonObject
            {
                ["code"] = code + "er()",
                ["cursor_pos"] = code.Length,
                ["detail_level"] = 0,
            }
        );
        Assert.True((bool)reply["found"]!);
        Assert.Contains("ToUpper", (string?)reply["data"]!["text/plain"], StringComparison.Ordinal);
        reply = front.Ask("is_complete_request", new JsonObject { ["code"] = "if (true) {" });
        Assert.Equal("incomplete", (string?)reply["status"]);
    }

    [Fact]
    public void What_is_not_known_is_declined()
    {
        using var front = new FrontEnd("ipc");
        front.SendControl("debug_request", new JsonObject { ["command"] = "initialize", ["seq"] = 7 });
        var declined = FrontEnd.Take(front.Control).Content;
        Assert.Equal((false, 7), ((bool)declined["success"]!, (int)declined["request_seq"]!));
        Assert.Equal("error", (string?)front.Ask("strange_request", [])["status"]);
        Assert.Equal("error", (string?)front.Ask("execute_request", new JsonObject { ["code"] = 5 })["status"]);
        Assert.Equal("{}", front.Ask("comm_info_request", [])["comms"]!.ToJsonString());
        Thread.Sleep(100);
        while (front.Iopub.TryTake(out _)) { }
        string id = front.Send("comm_open", new JsonObject { ["comm_id"] = "c", ["target_name"] = "jupyter.widget" });
        Assert.Equal("comm_close", Assert.Single(front.Published(id)).Type);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_shutdown_ends_the_kernel_even_while_a_cell_runs(bool restart)
    {
        using var front = new FrontEnd("tcp");
        front.Send("execute_request", FrontEnd.Cell("while (true) { }"));
        Thread.Sleep(1000);
        front.SendControl("shutdown_request", new JsonObject { ["restart"] = restart });
        var reply = FrontEnd.Take(front.Control);
        Assert.Equal(("shutdown_reply", restart), (reply.Type, (bool)reply.Content["restart"]!));
        Assert.True(front.Local!.Ended());
    }
}
