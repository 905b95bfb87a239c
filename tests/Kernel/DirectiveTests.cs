using System.IO.Compression;
using CsNotebook.Engine;
using Xunit;

namespace CsNotebook.Tests;

/// <summary>#r, #i, #!import and the small ones.</summary>
[Trait("speed", "seconds")]
public sealed class DirectiveTests : SessionTest
{
    private const string Answer =
        "namespace Lib; public static class Answer { public static int Get() => 42; "
        + "public static string Folder => System.IO.Path.GetDirectoryName(typeof(Answer).Assembly.Location); }";

    [Fact]
    public async Task A_referenced_dll_is_not_held_and_a_new_session_takes_the_new_one()
    {
        string dll = Compiled.Library(Path.Combine(Folder, "Lib.dll"), Answer);
        Assert.Equal("42", await Run($"#r \"{dll}\"\nusing Lib;\nAnswer.Get()"));
        using (File.Open(dll, FileMode.Open, FileAccess.ReadWrite, FileShare.None)) { }
        Compiled.Library(dll, Answer.Replace("42", "43", StringComparison.Ordinal));
        Assert.Equal("42", await Run("Answer.Get()"));
        Assert.Contains(
            "has changed since this session loaded it; restart the kernel",
            (await Fail($"#r \"{dll}\"")).Message
        );

        using var restarted = new CSharpSession();
        var result = await restarted.ExecuteAsync(
            $"#r \"{dll}\"\nLib.Answer.Get()",
            Host,
            TestContext.Current.CancellationToken
        );
        Assert.Equal("43", result.Value!["text/plain"]);
    }

    [Fact]
    public async Task What_lies_beside_a_dll_is_found()
    {
        string helper = Compiled.Library(
            Path.Combine(Folder, "Helper.dll"),
            "public static class Helper { public static string Name => \"helper\"; }"
        );
        string dll = Compiled.Library(
            Path.Combine(Folder, "Lib.dll"),
            """
            using System.Runtime.InteropServices;
            public static class Uses
            {
                [DllImport("beside")] static extern int anything();
                public static string Helped => Helper.Name;
                static string Beside(string name) =>
                    System.IO.Path.Combine(System.IO.Path.GetDirectoryName(typeof(Uses).Assembly.Location), name);
                public static string Data => System.IO.File.ReadAllText(Beside("data.txt"));
                public static bool Loaded => NativeLibrary.Load(Beside("libbeside.so")) != default;
                public static bool Named => NativeLibrary.Load("beside", typeof(Uses).Assembly, null) != default;
                public static string Native()
                {
                    try { anything(); return "called"; }
                    catch (System.EntryPointNotFoundException) { return "found"; }
                    catch (System.DllNotFoundException) { return "missing"; }
                }
            }
            """,
            helper
        );
        File.WriteAllText(Path.Combine(Folder, "data.txt"), "data");
        // Any native library will do: this one has no such function.
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        File.Copy(Path.Combine(runtime, "libSystem.IO.Compression.Native.so"), Path.Combine(Folder, "libbeside.so"));
        Assert.Equal(
            "helper data found True True",
            await Run(
                $"#r \"{dll}\"\n$\"{{Uses.Helped}} {{Uses.Data}} {{Uses.Native()}} {{Uses.Loaded}} {{Uses.Named}}\""
            )
        );
    }

    [Fact]
    public async Task A_missing_dll_and_a_framework_assembly()
    {
        var error = await Fail("\n#r \"nowhere.dll\"");
        Assert.Equal(2, error.Line);
        Assert.Contains("there is no file", error.Message);
        Assert.Contains("is not there", (await Fail("#load \"x.csx\"")).Message);
        await Run("#r \"System.Net.Http\"");
    }

    [Fact]
    public async Task A_directive_inside_a_string_is_text() =>
        Assert.Equal("\n#r \"x.dll\"\n#!foo\n", await Run("@\"\n#r \"\"x.dll\"\"\n#!foo\n\""));

    [Fact]
    public async Task A_package_of_a_local_source_is_restored_with_what_it_needs()
    {
        string feed = Path.Combine(Folder, "feed");
        string needed = Compiled.Library(
            Path.Combine(Folder, "b", "Pk.Needed.dll"),
            "public static class Needed { public static int Two => 2; }"
        );
        string made = Compiled.Library(
            Path.Combine(Folder, "b", "Pk.Made.dll"),
            """
            using System.Runtime.InteropServices;
            public static class Made
            {
                [DllImport("pkmade")] static extern int anything();
                public static int Four => 2 * Needed.Two;
                public static string Native()
                {
                    try { anything(); return "called"; }
                    catch (System.EntryPointNotFoundException) { return "found"; }
                    catch (System.DllNotFoundException) { return "missing"; }
                }
            }
            """,
            needed
        );
        string runtime = Path.GetDirectoryName(typeof(object).Assembly.Location)!;
        string suffix = Guid.NewGuid().ToString("N")[..8];
        Pack(feed, $"Pk.Needed.{suffix}", "1.0.0", "", (needed, "lib/netstandard2.0/Pk.Needed.dll"));
        Pack(
            feed,
            $"Pk.Made.{suffix}",
            "1.2.0",
            $"<dependency id=\"Pk.Needed.{suffix}\" version=\"1.0.0\" />",
            (made, "lib/netstandard2.0/Pk.Made.dll"),
            (
                Path.Combine(runtime, "libSystem.IO.Compression.Native.so"),
                $"runtimes/{System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier}/native/libpkmade.so"
            )
        );
        try
        {
            var error = await Fail($"#r \"nuget: Pk.Made.{suffix}, 1.2.0\"");
            Assert.Contains("could not restore", error.Message);
            error = await Fail($"#i \"nuget: {feed}\"\n#r \"nuget: Pk.Made.{suffix}, 1.1\"");
            Assert.Contains(
                $"Pk.Made.{suffix} 1.1 is in no package source; the next one there is 1.2.0",
                error.Message
            );
            await Run($"#r \"nuget: Pk.Made.{suffix}, 1.2\"");
            Assert.Equal($"Installed Pk.Made.{suffix} 1.2.0", Host.Displays[^1].Data["text/plain"]);
            Assert.Equal("4 found", await Run("$\"{Made.Four} {Made.Native()}\""));
            await Run($"#r \"nuget: Pk.Made.{suffix}\"");
        }
        finally
        {
            Forget($"pk.needed.{suffix}", $"pk.made.{suffix}");
        }
    }

    [Fact]
    public async Task A_package_finds_the_assembly_that_cells_chose_in_place_of_its_own()
    {
        string Base(int get, string version) =>
            $"[assembly: System.Reflection.AssemblyVersion(\"{version}\")] namespace Base; public class "
            + $"Thing {{ public Other Other = new(); public int Get() => {get}; }}";
        const string User =
            "public static class User { public static int Of(Base.Thing thing) => 10 * thing.Get(); public "
            + "static string Named(Base.Other other) => other.ToString(); }";
        string suffix = Guid.NewGuid().ToString("N")[..8],
            feed = Path.Combine(Folder, "feed");
        // What cells chose refers to a dll beside it, which the package brings, too.
        string other = Compiled.Library(
            Path.Combine(Folder, "own", "Other.dll"),
            "namespace Base; public class Other;"
        );
        string chosen = Compiled.Library(Path.Combine(Folder, "own", "Base.dll"), Base(2, "1.1.0.0"), other);
        string packaged = Compiled.Library(Path.Combine(Folder, "packaged", "Base.dll"), Base(1, "1.1.0.0"), other);
        string newer = Compiled.Library(Path.Combine(Folder, "newer", "Base.dll"), Base(3, "1.2.0.0"), other);
        string user = Compiled.Library(Path.Combine(Folder, "packaged", "User.dll"), User, packaged, other);
        Pack(
            feed,
            $"Pk.Base.{suffix}",
            "1.1.0",
            "",
            (packaged, "lib/netstandard2.0/Base.dll"),
            (other, "lib/netstandard2.0/Other.dll")
        );
        Pack(
            feed,
            $"Pk.Base.{suffix}",
            "1.2.0",
            "",
            (newer, "lib/netstandard2.0/Base.dll"),
            (other, "lib/netstandard2.0/Other.dll")
        );
        foreach (string version in new[] { "1.1.0", "1.2.0" })
            Pack(
                feed,
                $"Pk.User.{suffix}",
                version,
                $"<dependency id=\"Pk.Base.{suffix}\" version=\"{version}\" />",
                (user, "lib/netstandard2.0/User.dll")
            );
        try
        {
            await Run($"#r \"{chosen}\"\nvar thing = new Base.Thing();");
            await Run($"#i \"nuget: {feed}\"\n#r \"nuget: Pk.User.{suffix}, 1.1.0\"");
            Assert.Equal("20 Base.Other", await Run("$\"{User.Of(thing)} {User.Named(thing.Other)}\""));

            using var another = new CSharpSession();
            var result = await another.ExecuteAsync(
                $"#r \"{chosen}\"\n#i \"nuget: {feed}\"\n#r \"nuget: Pk.User.{suffix}, 1.2.0\"",
                Host,
                TestContext.Current.CancellationToken
            );
            Assert.Contains($"this session has loaded another Base from {chosen}", result.Error?.Message);
        }
        finally
        {
            Forget($"pk.base.{suffix}", $"pk.user.{suffix}");
        }
    }

    [Fact]
    public async Task A_source_that_is_not_there_is_refused() =>
        Assert.Contains("neither an address nor a folder", (await Fail("#i \"nuget: /no/such/folder\"")).Message);

    [Fact]
    public async Task Notebooks_and_scripts_are_imported()
    {
        File.WriteAllText(Path.Combine(Folder, "inner.csx"), "int Inner() => 5;");
        File.WriteAllText(
            Path.Combine(Folder, "part.ipynb"),
            """
            {"cells":[{"cell_type":"markdown","metadata":{},"source":["# Not code"]},
            {"cell_type":"code","metadata":{},
            "source":["#!import \"inner.csx\"\n","int Outer() =>\n","    Inner() + 1;"],
            "outputs":[],"execution_count":null}],
            "metadata":{},"nbformat":4,"nbformat_minor":5}
            """
        );
        Assert.Equal("6", await Run($"#!import \"{Path.Combine(Folder, "part.ipynb")}\"\nOuter()"));
        Assert.Equal("5", await Run($"#load \"{Path.Combine(Folder, "inner.csx")}\"\nInner()"));
        Assert.Contains("is not there", (await Fail("#!import nowhere.csx")).Message);
        File.WriteAllText(Path.Combine(Folder, "empty.ipynb"), "");
        Assert.Contains("it is empty", (await Fail($"#!import \"{Path.Combine(Folder, "empty.ipynb")}\"")).Message);
        File.WriteAllText(Path.Combine(Folder, "wrong.csx"), "int a;\nnothing();");
        var error = await Fail($"\n#!import \"{Path.Combine(Folder, "wrong.csx")}\"");
        Assert.Equal(
            (2, "wrong.csx, line 2: CS0103: The name 'nothing' does not exist in the current context"),
            (error.Line, error.Message)
        );
        File.WriteAllText(Path.Combine(Folder, "self.csx"), "#!import \"self.csx\"");
        Assert.Contains("imports itself", (await Fail($"#!import \"{Path.Combine(Folder, "self.csx")}\"")).Message);
    }

    [Fact]
    public async Task Text_of_other_languages_is_shown()
    {
        await Run("#!markdown\n# It's *text*\n#!html\n<b>bold</b>\n#!csharp\nvar x = 3;");
        Assert.Equal(
            ["text/markdown: # It's *text*", "text/html: <b>bold</b>"],
            Host.Displays.Select(d => d.Data.First()).Select(p => $"{p.Key}: {p.Value}")
        );
        Assert.Equal("3", await Run("x"));
    }

    [Fact]
    public async Task Time_about_and_the_variables_are_shown()
    {
        await Run("int hidden = 1;");
        await Run("#!time\nvar x = 3;");
        await Run("#!about");
        await Run("#!who");
        await Run("#!whos");
        Assert.StartsWith("Wall time: ", Host.Displays[0].Data["text/plain"], StringComparison.Ordinal);
        Assert.Contains("C# 14", Host.Displays[1].Data["text/plain"]);
        Assert.Equal("hidden, x", Host.Displays[2].Data["text/plain"]);
        Assert.Equal("Name    Type  Value\nhidden  int   1\nx       int   3", Host.Displays[3].Data["text/plain"]);
    }

    private static void Forget(params string[] packages)
    {
        string cache = Path.Combine(
            Environment.GetFolderPath(Environment.SpecialFolder.UserProfile),
            ".nuget",
            "packages"
        );
        foreach (string folder in packages.Select(name => Path.Combine(cache, name)).Where(Directory.Exists))
            Directory.Delete(folder, recursive: true);
    }

    private static void Pack(
        string feed,
        string id,
        string version,
        string dependencies,
        params (string File, string Entry)[] files
    )
    {
        Directory.CreateDirectory(feed);
        using var package = ZipFile.Open(Path.Combine(feed, $"{id}.{version}.nupkg"), ZipArchiveMode.Create);
        using (var writer = new StreamWriter(package.CreateEntry($"{id}.nuspec").Open()))
        {
            writer.Write(
                $"""
                <package xmlns="http://schemas.microsoft.com/packaging/2013/05/nuspec.xsd"><metadata>
                <id>{id}</id><version>{version}</version><authors>test</authors><description>test</description>
                <dependencies><group targetFramework="netstandard2.0">{dependencies}</group></dependencies>
                </metadata></package>
                """
            );
        }
        foreach (var (file, entry) in files)
            package.CreateEntryFromFile(file, entry);
    }
}
