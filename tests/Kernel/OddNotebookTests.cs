using System.Text;
using System.Text.Json.Nodes;
using CsNotebook.Engine;
using CsNotebook.Notebook;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>
/// Files that are not quite notebooks: a sentence with the place, exit code 2, and the file as it was. After reports
/// such as https://github.com/jupyter/notebook/issues/2680 (half a character),
/// https://github.com/jupyter/nbformat/issues/118 (Latin-1), https://github.com/microsoft/vscode/issues/143396 (ids
/// that stand twice) and https://github.com/jupyter/help/issues/171 (an empty file).
/// </summary>
public sealed class OddNotebookTests : IDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("csnotebook-test-").FullName;

    public void Dispose() => Directory.Delete(folder, recursive: true);

    [Theory]
    [InlineData("", "it is empty")]
    [InlineData(" \n", "it is empty")]
    [InlineData("[]", "it is not a JSON object")]
    [InlineData("{", "it is not JSON: line 1, byte 2: ")]
    [InlineData("{\n<<<<<<< HEAD\n\"cells\":[]}", "line 2 is the mark of a merge (<<<<<<<) that is not resolved")]
    [InlineData("{\"cells\":[]}", "it has no nbformat")]
    [InlineData("{\"cells\":[],\"nbformat\":\"4\"}", "it has no nbformat")]
    [InlineData("{\"cells\":[],\"nbformat\":3}", "it is nbformat 3, and only 4 is read here")]
    [InlineData("{\"nbformat\":4}", "its cells are null, not a list")]
    [InlineData("{\"cells\":{},\"nbformat\":4}", "its cells are an object, not a list")]
    [InlineData("{\"cells\":[],\"metadata\":7,\"nbformat\":4}", "the notebook's metadata is a number, not an object")]
    [InlineData("{\"cells\":[],\"cells\":[1],\"nbformat\":4}", "the notebook has \"cells\" twice")]
    public void A_file_is_refused_with_the_reason(string text, string sentence) => AssertRefused(text, sentence);

    [Theory]
    [InlineData("null", "cell 2 is null, not an object")]
    [InlineData("5", "cell 2 is a number, not an object")]
    [InlineData("{}", "cell 2's cell_type is null, not \"code\"")]
    [InlineData("{\"cell_type\":\"heading\"}", "cell 2's cell_type is \"heading\", not \"code\"")]
    [InlineData("{\"cell_type\":\"code\",\"source\":5}", "cell 2's source is a number, not text")]
    [InlineData("{\"cell_type\":\"raw\",\"source\":[\"a\",null]}", "cell 2's source has a line that is null, not text")]
    [InlineData("{\"cell_type\":\"code\",\"source\":[[]]}", "cell 2's source has a line that is a list, not text")]
    [InlineData("{\"cell_type\":\"code\",\"source\":\"a\",\"source\":\"b\"}", "cell 2 has \"source\" twice")]
    [InlineData(
        "{\"cell_type\":\"code\",\"metadata\":{\"a\":{\"b\":1,\"b\":2}}}",
        "cell 2, metadata, a has \"b\" twice"
    )]
    [InlineData("{\"cell_type\":\"code\",\"metadata\":[]}", "cell 2's metadata is a list, not an object")]
    [InlineData("{\"cell_type\":\"code\",\"outputs\":\"x\"}", "cell 2's outputs are text, not a list")]
    [InlineData("{\"cell_type\":\"code\",\"outputs\":[null]}", "cell 2 has an output that is null")]
    [InlineData(
        "{\"cell_type\":\"code\",\"outputs\":[{}]}",
        "cell 2 has an output that is an object without an output_type"
    )]
    [InlineData("{\"cell_type\":\"markdown\",\"source\":\"\\ud83d x\"}", "cell 2, source holds half a character")]
    [InlineData(
        "{\"cell_type\":\"code\",\"outputs\":[{\"output_type\":\"stream\",\"text\":[\"\\uDE00\"]}]}",
        "cell 2, outputs, text holds half a character"
    )]
    [InlineData("{\"cell_type\":\"code\",\"metadata\":{\"\\ud83d\":1}}", "cell 2, metadata holds half a character")]
    public void A_cell_is_refused_with_its_number(string cell, string sentence) =>
        AssertRefused(
            $$"""{"cells":[{"cell_type":"raw","source":""},{{cell}}],"metadata":{},"nbformat":4,"nbformat_minor":5}""",
            sentence
        );

    [Fact]
    public void An_encoding_other_than_utf8_is_named()
    {
        const string Text =
            "{\"cells\":[\n{\"cell_type\":\"raw\",\"source\":\"caf\u00e9 au lait\"}],\"metadata\":{},\"nbformat\":4}";
        AssertRefused(Encoding.Latin1.GetBytes(Text), "the byte 0xE9 in line 2 is not UTF-8");
        AssertRefused([.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(Text)], "it is UTF-16");
        string file = Path.Combine(folder, "bom.ipynb");
        File.WriteAllBytes(file, [.. Encoding.UTF8.GetPreamble(), .. Encoding.UTF8.GetBytes(Text)]);
        Assert.Equal("caf\u00e9 au lait", NotebookFile.Load(file).Cells[0].Source);
    }

    [Fact]
    public void A_whole_character_written_in_two_halves_is_none()
    {
        var notebook = NotebookFile.Parse(
            """{"cells":[{"cell_type":"raw","source":"\ud83d\ude00"}],"metadata":{},"nbformat":4}"""
        );
        Assert.Equal("\U0001F600", notebook.Cells[0].Source);
        Assert.Contains("\"\U0001F600\"", notebook.ToString());
    }

    [Fact]
    public void Ids_that_stand_twice_or_are_none_are_replaced_and_told()
    {
        var notebook = NotebookFile.Parse(
            """
            {"cells":[
            {"cell_type":"raw","id":"a"},{"cell_type":"raw","id":"a"},{"cell_type":"raw","id":7},{"cell_type":"raw"},
            {"cell_type":"raw","id":"a-2"},{"cell_type":"raw","id":"a b"},{"cell_type":"raw","id":"cell-4"}],
            "metadata":{},"nbformat":4,"nbformat_minor":5}
            """
        );
        Assert.Equal(
            ["a", "a-3", "cell-3", "cell-4-2", "a-2", "cell-6", "cell-4"],
            notebook.Cells.Select(c => JsonText.Of(c.Json["id"]))
        );
        Assert.Equal(
            [
                "cell 2's id \"a\" is cell 1's; it is now \"a-3\".",
                "cell 3's id 7 is none that nbformat allows; it is now \"cell-3\".",
                "cell 6's id \"a b\" is none that nbformat allows; it is now \"cell-6\".",
            ],
            notebook.Notes
        );
    }

    [Fact]
    public async Task What_is_odd_and_does_no_harm_is_read_and_stays()
    {
        const string Odd = """
            {"cell_type":"code","source":"1 + 1","execution_count":"two","outputs":[
            {"output_type":"error","traceback":[1,null]},
            {"output_type":"stream","text":3},{"output_type":"from a later format"}],
            "metadata":{"tags":[1,"x"],"jupyter":7,"polyglot_notebook":"odd"}}
            """;
        var notebook = NotebookFile.Parse(
            $$"""{"cells":[{{Odd}},{{Odd}}],"metadata":{},"nbformat":4,"nbformat_minor":5}"""
        );
        var cell = notebook.Cells[0];
        Assert.Equal(
            (null, "x", false, null),
            (cell.ExecutionCount, Assert.Single(cell.Tags), cell.IsFolded, cell.KernelName)
        );
        Assert.True(
            JsonNode.DeepEquals(
                JsonNode.Parse(Odd)!["outputs"],
                JsonNode.Parse(notebook.ToString())!["cells"]![0]!["outputs"]
            )
        );
        Assert.Contains("<pre class=\"output \">3</pre>", HtmlPage.Render(notebook, "odd", folder));
        Assert.Empty(
            (await NotebookRunner.RunAsync(notebook, new RunOptions(), TestContext.Current.CancellationToken)).Failures
        );
    }

    [Fact]
    public async Task What_a_cell_shows_may_be_odd_too()
    {
        var notebook = NotebookFile.Parse("""{"cells":[],"metadata":{},"nbformat":4,"nbformat_minor":5}""");
        notebook.InsertCode(
            0,
            "Console.Write(\"\\ud83d\"); Console.Write('\\ude00'); Console.Write(\"|\\ud83d\"); "
                + "\"\\ude00\".Display(); throw new Exception(\"\\ud83d\");"
        );
        notebook.InsertCode(
            1,
            "new string('[', 900).Replace(\"[\", \"[\").DisplayAs(\"application/json\"); (new string('[', "
                + "400) + new string(']', 400)).DisplayAs(\"application/json\");"
        );
        var outcome = await NotebookRunner.RunAsync(
            notebook,
            new RunOptions { AllowErrors = true },
            TestContext.Current.CancellationToken
        );
        Assert.Single(outcome.Failures);
        string file = Path.Combine(folder, "n.ipynb");
        notebook.Save(file);
        Assert.Equal("\U0001F600|\uFFFD", MultiLine.Join(NotebookFile.Load(file).Cells[0].Outputs[0]!["text"]));
    }

    private void AssertRefused(string text, string sentence) => AssertRefused(Encoding.UTF8.GetBytes(text), sentence);

    private void AssertRefused(byte[] bytes, string sentence)
    {
        string file = Path.Combine(folder, "n.ipynb");
        File.WriteAllBytes(file, bytes);
        string message = Assert.Throws<InvalidDataException>(() => NotebookFile.Load(file)).Message;
        Assert.StartsWith(
            $"{file} is not a notebook that can be used here: {sentence}",
            message,
            StringComparison.Ordinal
        );
        Assert.DoesNotContain("System.", message, StringComparison.Ordinal);
    }
}
