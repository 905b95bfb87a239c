using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>What a cell can say, and what stays for the next.</summary>
[Trait("speed", "seconds")]
public sealed class EngineTests : SessionTest
{
    [Theory]
    [InlineData("1 + 1", "2")]
    [InlineData("\"text\"", "text")]
    [InlineData("int z = 1;", null)]
    [InlineData("Console.Write(1)", null)]
    [InlineData("return 3;", "3")]
    [InlineData("null", "<null>")]
    [InlineData("await Task.FromResult(4)", "4")]
    [InlineData("new { A = 1, B = \"x\" }", "{ A = 1, B = \"x\" }")]
    [InlineData("Enumerable.Range(0, 3)", "[ 0, 1, 2 ]")]
    [InlineData("(1, \"two\")", "(1, two)")]
    [InlineData("0.1 + 0.2", "0.30000000000000004")]
    [InlineData("int[] a = [1, .. new[] { 2, 3 }]; a.Length", "3")]
    public async Task The_last_expression_is_the_value(string code, string? value) =>
        Assert.Equal(value, await Run(code));

    [Fact]
    public async Task Later_cells_see_what_earlier_ones_declared()
    {
        await Run("var x = 20; int Twice(int n) => 2 * n; record Pair<T>(T A, T B);");
        await Run("using System.Globalization;");
        await Run("var p = new Pair<int>(x, Twice(x));");
        Assert.Equal("Pair { A = 20, B = 40 }", await Run("p"));
        Assert.Equal("True", await Run("CultureInfo.InvariantCulture != null"));
        await Run("var x = \"anew\";");
        Assert.Equal("anew", await Run("x"));
    }

    [Fact]
    public async Task Csharp_14_is_spoken()
    {
        await Run(
            """
            class Temperature { public double Celsius { get; set => field = Math.Max(-273.15, value); } }
            var t = new Temperature { Celsius = -500 };
            t?.Celsius += 1;
            """
        );
        Assert.Equal("-272.15", await Run("t.Celsius"));
    }

    [Fact]
    public async Task Extension_methods_and_unsafe_code_compile()
    {
        await Run("static string Shout(this string s) => s.ToUpperInvariant() + \"!\";");
        Assert.Equal("HI!", await Run("\"hi\".Shout()"));
        Assert.Equal("7", await Run("int n = 7; unsafe int Read() { fixed (int* p = &n) return *p; } Read()"));
    }

    [Fact]
    public async Task Every_kind_of_function_runs_as_written_with_the_checks_in_it()
    {
        await Run(
            """
            Func<int, double> widened = v => v;
            Action nothing = () => Console.Write("a");
            Func<Task> waits = async () => await Task.Yield();
            Func<Task<int>> gives = async () => await Task.FromResult(5);
            Func<int> throws = () => throw new InvalidOperationException();
            System.Linq.Expressions.Expression<Func<int, bool>> tree = v => v > 1;
            byte Small(byte b) => b;
            ref int First(int[] a) => ref a[0];
            void Say() => Console.Write("b");
            async Task Later() => await Task.Yield();
            int Odd(int n)
            {
            #if DEBUG
                return -1;
            #else
                return n % 2;
            #endif
            }
            class Box
            {
                int v;
                public int Value { get => v; set => v = value; }
                public int Twice => 2 * v;
                public int this[int i] => v + i;
                public static Box operator +(Box a, int b) => new Box { v = a.v + b };
                public static implicit operator int(Box b) => b.v;
                public IEnumerable<int> Count() { for (int i = 0; i < v; i++) yield return i; }
            }
            nothing(); Say(); await waits(); await Later();
            int[] numbers = [1, 2];
            First(numbers) = 9;
            var box = new Box { Value = 2 } + 1;
            int label = 0;
            again:
            if (label++ < 3) goto again;
            """
        );
        Assert.Equal("ab", Host.Stdout);
        Assert.Equal(
            "3, 5, 9, 1, 3, 6, 4, 3, 4, True",
            await Run(
                "$\"{widened(3)}, {await gives()}, {numbers[0]}, {Odd(7)}, {(int)box}, {box.Twice}, "
                    + "{box[1]}, {box.Count().Count()}, {label}, {tree.Compile()(2)}\""
            )
        );
    }

    [Fact]
    public async Task Streams_and_displays_come_in_order()
    {
        await Run(
            """
            Console.Write("one "); Console.WriteLine("two");
            Console.Error.WriteLine("three");
            Console.WriteLine($"{4}");
            """
        );
        Assert.Equal(
            [(StreamName.Stdout, "one two\n"), (StreamName.Stderr, "three\n"), (StreamName.Stdout, "4\n")],
            Host.Streams
        );
    }

    [Fact]
    public async Task Ten_thousand_lines_of_many_threads_arrive_whole()
    {
        await Run("Parallel.For(0, 10000, i => Console.WriteLine($\"line {i}\"));");
        Assert.Equal(
            Enumerable.Range(0, 10000).Select(i => $"line {i}").Order(),
            Host.Stdout.TrimEnd('\n').Split('\n').Order()
        );
    }

    [Fact]
    public async Task An_exception_on_a_thread_of_the_cell_does_not_end_the_session()
    {
        await Run(
            "new System.Threading.Thread(() => throw new Exception(\"stray\")).Start(); async void Lost() { "
                + "await Task.Yield(); throw new Exception(\"lost\"); } Lost();"
        );
        for (int i = 0; i < 100 && Host.Streams.Sum(s => s.Text.Split("A thread ended by").Length - 1) < 2; i++)
            await Run("System.Threading.Thread.Sleep(100);");
        string told = string.Concat(Host.Streams.Select(s => s.Text));
        Assert.Contains("A thread ended by System.Exception: stray", told);
        Assert.Contains("A thread ended by System.Exception: lost", told);
    }

    [Fact]
    public async Task Input_is_asked_of_the_host()
    {
        Host.Answers.Enqueue("blue");
        Host.Answers.Enqueue("green");
        Assert.Equal("blue", await Run("Console.ReadLine()"));
        Assert.Equal("green", await Run("await GetInputAsync(\"colour?\")"));
        Assert.Equal(["", "colour?"], Host.Prompts);
    }

    [Fact]
    public async Task Variables_are_listed_with_their_newest_value()
    {
        await Run("int a = 1; var list = new List<string> { \"x\" };");
        await Run("a = 5; var a2 = 2.5;");
        await Run("string a2 = \"two\";");
        Assert.Equal(
            ["a int 5", "a2 string two", "list List<string> System.Collections.Generic.List`1[System.String]"],
            Session.Variables.Select(v => $"{v.Name} {v.Type} {v.Value}")
        );
    }

    [Fact]
    public async Task The_token_is_published_while_a_cell_runs()
    {
        Assert.Equal(
            "True",
            await Run(
                "((System.Threading.CancellationToken)AppContext.GetData(\"csnotebook.cancellation\")).CanBeCanceled"
            )
        );
        Assert.Equal(CancellationToken.None, AppContext.GetData("csnotebook.cancellation"));
    }

    [Fact]
    public async Task A_cell_has_a_deep_stack_and_an_endless_recursion_is_an_error()
    {
        Assert.Equal("100000", await Run("int Deep(int n) => n == 0 ? 0 : 1 + Deep(n - 1); Deep(100000)"));
        var error = await Fail("int Endless(int n) => 1 + Endless(n + 1);\nEndless(0)");
        Assert.Equal("InsufficientExecutionStackException", error.Name);
        Assert.InRange(error.Traceback.Count, 2, 20);
    }

    [Theory]
    [InlineData("1 + 1", CompletenessStatus.Complete, "")]
    [InlineData("if (true) {", CompletenessStatus.Incomplete, "    ")]
    [InlineData("for (;;) {\n    F(1,", CompletenessStatus.Incomplete, "    ")]
    [InlineData("var s = \"\"\"\n  text", CompletenessStatus.Incomplete, "  ")]
    [InlineData("}", CompletenessStatus.Invalid, "")]
    [InlineData("#!markdown\n# It's text", CompletenessStatus.Complete, "")]
    [InlineData("", CompletenessStatus.Complete, "")]
    public void Completeness_is_judged(string code, CompletenessStatus status, string indent) =>
        Assert.Equal(new Completeness(status, indent), Session.IsComplete(code));
}
