using CsNotebook.Notebook;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>
/// A notebook's text is nbformat's to the letter, so that a front end that opens and saves it changes nothing. What is
/// expected here is what nbformat 5.5 writes of the same notebook, 1.0 apart, which a front end in JavaScript makes 1.
/// </summary>
public sealed class NotebookWriterTests
{
    private const string Read = """
        {"nbformat_minor":5,"nbformat":4,"metadata":{"z":1,"B":[],"a":{"é":{}}},"cells":[
        {"source":"one\n\ttwo\u2028three\r\nfour\u0007","metadata":{},"id":"m","cell_type":"markdown",
        "attachments":{"x.png":{"image/png":["AB","CD"],"text/plain":"p\nq"}}},
        {"cell_type":"code","id":"c","metadata":{},"source":["a","b\n"],"execution_count":1,"outputs":[
        {"output_type":"stream","name":"stdout","text":"\u001b[31m\ud83d\ude00\f\u007f"},
        {"output_type":"display_data","metadata":{},"data":{"text/html":"<b>\n</b>","image/png":"AB\nCD",
        "application/javascript":"a\nb",
        "application/x+json":{"b":[1.0,-0.50,1e-7,0.00001,1e21,1.5e300,12345678901234567,true,null],"a":"x\ny"}}}]}]}
        """;

    private const string Written = """
        {
         "cells": [
          {
           "attachments": {
            "x.png": {
             "image/png": "ABCD",
             "text/plain": [
              "p\n",
              "q"
             ]
            }
           },
           "cell_type": "markdown",
           "id": "m",
           "metadata": {},
           "source": [
            "one\n",
            "\ttwo\u2028",
            "three\r\n",
            "four\u0007"
           ]
          },
          {
           "cell_type": "code",
           "execution_count": 1,
           "id": "c",
           "metadata": {},
           "outputs": [
            {
             "name": "stdout",
             "output_type": "stream",
             "text": [
              "\u001b[31m\ud83d\ude00\f",
              "\u007f"
             ]
            },
            {
             "data": {
              "application/javascript": [
               "a\n",
               "b"
              ],
              "application/x+json": {
               "a": "x\ny",
               "b": [
                1,
                -0.5,
                1e-07,
                1e-05,
                1e+21,
                1.5e+300,
                12345678901234567,
                true,
                null
               ]
              },
              "image/png": "AB\nCD",
              "text/html": [
               "<b>\n",
               "</b>"
              ]
             },
             "metadata": {},
             "output_type": "display_data"
            }
           ],
           "source": [
            "ab\n"
           ]
          }
         ],
         "metadata": {
          "B": [],
          "a": {
           "é": {}
          },
          "z": 1
         },
         "nbformat": 4,
         "nbformat_minor": 5
        }

        """;

    [Fact]
    public void The_text_is_nbformats()
    {
        // What a raw string cannot hold stands there as an escape; nbformat writes the characters.
        string expected = Written
            .ReplaceLineEndings("\n")
            .Replace("\\u2028", "\u2028", StringComparison.Ordinal)
            .Replace("\\ud83d\\ude00", "\U0001F600", StringComparison.Ordinal)
            .Replace("\\u007f", "\u007f", StringComparison.Ordinal);
        string written = NotebookFile.Parse(Read).ToString();
        Assert.Equal(expected, written);
        Assert.Equal(written, NotebookFile.Parse(written).ToString());
    }

    [Fact]
    public void The_committed_notebooks_are_written_as_they_would_be_saved()
    {
        var home = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(home.FullName, "PatchKit.csproj")))
            home = home.Parent!;
        string[] files = Directory.GetFiles(Path.Combine(home.FullName, "notebooks"), "*.ipynb");
        Assert.NotEmpty(files);
        Assert.All(
            files,
            file =>
            {
                string text = File.ReadAllText(file);
                var notebook = NotebookFile.Parse(text);
                Assert.Equal(text, notebook.ToString());
                Assert.Equal(
                    CsNotebook.Jupyter.Replies.KernelInfo()["language_info"]!.ToJsonString(),
                    notebook.Metadata["language_info"]!.ToJsonString()
                );
                Assert.DoesNotContain(notebook.Cells, cell => cell.Metadata.ContainsKey("execution"));
            }
        );
    }

    [Fact]
    public async Task A_run_notes_what_the_kernel_answers_a_front_end()
    {
        var notebook = NotebookFile.Parse(
            """{"cells":[],"metadata":{"language_info":{"name":"C#"}},"nbformat":4,"nbformat_minor":5}"""
        );
        await NotebookRunner.RunAsync(notebook, new RunOptions(), TestContext.Current.CancellationToken);
        Assert.Equal(
            CsNotebook.Jupyter.Replies.KernelInfo()["language_info"]!.ToJsonString(),
            notebook.Metadata["language_info"]!.ToJsonString()
        );
    }
}
