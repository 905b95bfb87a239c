using System.Diagnostics;
using System.Text.Json.Nodes;
using Xunit;

namespace CsNotebook.Tests.Jupyter;

/// <summary>The kernel over standard input and output: the same messages on another wire.</summary>
[Trait("speed", "seconds")]
public sealed class StdioTests
{
    [Fact]
    public void A_cell_is_executed_with_the_messages_of_the_other_wire()
    {
        using var front = new StdioFrontEnd();
        Assert.Equal("csnotebook", (string?)front.Ask("kernel_info_request", [])["implementation"]);
        var shown = front.Run(
            """
            var x = 41;
            Console.Write("a"); Console.Error.Write("b\u2028\ud800");
            var d = display(HTML("<b>1</b>")); d.Update(HTML("<b>2</b>"));
            x + 1
            """
        );
        Assert.Equal(
            [
                "iopub status",
                "iopub execute_input",
                "iopub stream",
                "iopub stream",
                "iopub display_data",
                "iopub update_display_data",
                "iopub execute_result",
                "shell execute_reply",
                "iopub status",
            ],
            shown.Select(m => $"{m["channel"]} {StdioFrontEnd.Type(m)}")
        );
        Assert.Equal(("a", "b\u2028\ufffd"), (Text(shown[2], "text"), Text(shown[3], "text")));
        Assert.Equal(Display(shown[4]), Display(shown[5]));
        Assert.Equal("42", (string?)shown[6]["content"]!["data"]!["text/plain"]);
        Assert.Equal(("ok", 1), (Text(shown[7], "status"), (int)shown[7]["content"]!["execution_count"]!));
    }

    [Fact]
    public void An_interrupt_stops_a_bare_loop_at_once_and_variables_live_on()
    {
        using var front = new StdioFrontEnd();
        front.Run("var alive = new List<int> { 1 };");
        string id = front.Execute("while (true) alive[0] = 1;");
        Thread.Sleep(1000);
        var clock = Stopwatch.StartNew();
        front.Send("interrupt_request", [], "control");
        Assert.Equal("KeyboardInterrupt", Text(front.Until(id, "execute_reply")[^1], "ename"));
        Assert.InRange(clock.ElapsedMilliseconds, 0, 1000);
        Assert.Equal("1", (string?)front.Run("alive[0]")[^3]["content"]!["data"]!["text/plain"]);
    }

    [Fact]
    public void Help_is_given_while_a_cell_runs_and_shows_what_is_live()
    {
        using var front = new StdioFrontEnd();
        front.Run("var text = \"x\";");
        string id = front.Execute("Console.WriteLine(text); while (true) { }");
        front.Until(id, "stream");
        var completed = front.Ask("complete_request", new JsonObject { ["code"] = "text.ToUpp" }, "control");
        Assert.Contains("ToUpper", completed["matches"]!.AsArray().Select(m => (string?)m));
        var call = new JsonObject { ["code"] = "Math.Max()", ["cursor_pos"] = 9 };
        string? inspected = (string?)front.Ask("inspect_request", call, "control")["data"]!["text/plain"];
        Assert.Contains("int Math.Max(int val1, int val2)", inspected, StringComparison.Ordinal);
        front.Send("interrupt_request", [], "control");
        front.Until(id, "execute_reply");
    }

    [Fact]
    public void The_user_is_asked()
    {
        using var front = new StdioFrontEnd();
        string id = front.Execute("Console.Write(\"Name? \"); Console.ReadLine() + \"!\"");
        var shown = front.Until(id, "input_request");
        Assert.Equal("stdin", (string?)shown[^1]["channel"]);
        // The question's words come before the question.
        Assert.Equal("Name? ", Text(shown[^2], "text"));
        front.Send("input_reply", new JsonObject { ["value"] = "Ada" }, "stdin");
        Assert.Equal("Ada!", (string?)front.Until(id, "execute_result")[^1]["content"]!["data"]!["text/plain"]);
    }

    [Fact]
    public void What_children_write_and_read_is_no_message()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "sh is needed.");
        using var front = new StdioFrontEnd();
        var shown = front.Run(
            """
            System.Diagnostics.Process.Start("sh", ["-c", "echo stray; cat; echo read"]).WaitForExit();
            """
        );
        Assert.Equal("ok", Text(shown[^2], "status"));
        Assert.Equal("2", (string?)front.Run("1 + 1")[^3]["content"]!["data"]!["text/plain"]);
        front.Leave();
        Assert.Equal(0, front.Ended());
        Assert.Contains("stray\nread\n", front.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public void Variables_are_listed_with_their_values()
    {
        using var front = new StdioFrontEnd();
        front.Run(
            """
            var rate = 0.5;
            string name = "vit";
            class Broken { public override string ToString() => throw new Exception("no"); }
            var b = new Broken();
            """
        );
        var reply = front.Ask("debug_request", new JsonObject { ["command"] = "inspectVariables", ["seq"] = 3 });
        var variables = reply["body"]!["variables"]!.AsArray();
        var listed = variables.Select(v => $"{v!["name"]}: {v["type"]} = {v["value"]}").ToList();
        Assert.Equal(["name: string = \"vit\"", "rate: double = 0.5"], listed.Skip(1));
        Assert.StartsWith("b: Broken = ", listed[0], StringComparison.Ordinal);
        Assert.Equal((true, 3), ((bool)reply["success"]!, (int)reply["request_seq"]!));
    }

    [Fact]
    public void What_is_no_message_is_dropped_with_a_sentence()
    {
        using var front = new StdioFrontEnd();
        front.Write("{ not json");
        front.Write("[]");
        front.Write("");
        front.Write("{\"channel\":\"iopub\",\"header\":{\"msg_type\":\"x\"}}");
        Assert.Equal("ok", (string?)front.Ask("kernel_info_request", [])["status"]);
        front.Leave();
        Assert.Equal(0, front.Ended());
        Assert.Contains("its channel is 'iopub', not shell, control or stdin.", front.Errors, StringComparison.Ordinal);
        Assert.Equal(3, front.Errors.Split("A message was dropped").Length - 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_kernel_ends_with_its_front_end_even_while_a_cell_runs(bool asked)
    {
        using var front = new StdioFrontEnd();
        string id = front.Execute("Console.WriteLine(1); while (true) { }");
        front.Until(id, "stream");
        if (asked)
        {
            var reply = front.Ask("shutdown_request", new JsonObject { ["restart"] = false }, "control");
            Assert.False((bool)reply["restart"]!);
        }
        else
        {
            front.Leave();
        }
        Assert.Equal(0, front.Ended());
    }

    private static string? Display(JsonNode message) => (string?)message["content"]!["transient"]!["display_id"];

    private static string? Text(JsonNode message, string name) => (string?)message["content"]![name];
}
