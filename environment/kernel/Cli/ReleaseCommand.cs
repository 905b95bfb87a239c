using System.CommandLine;
using CsNotebook.Notebook;

namespace CsNotebook.Cli;

/// <summary><c>csnotebook release</c>: the copy for students.</summary>
internal static class ReleaseCommand
{
    public static Command Create()
    {
        var file = new Argument<FileInfo>("file") { Description = "The notebook with solutions" };
        var target = new Option<FileInfo>("--out") { Description = "Where to write the copy", Required = true };
        var command = new Command(
            "release",
            "Write a copy without solutions (// BEGIN SOLUTION ... // END SOLUTION) and outputs"
        )
        {
            file,
            target,
        };
        command.SetAction(parsed =>
            Sentences.Guard(() =>
            {
                string from = parsed.GetRequiredValue(file).FullName,
                    to = parsed.GetRequiredValue(target).FullName;
                if (WholeFile.Same(from, to))
                    throw new ArgumentException(
                        $"--out {to} is the notebook itself, whose solutions would be lost; give the copy another name."
                    );
                WholeFile.Check(to, "--out");
                var notebook = NotebookFile.Load(from);
                int taken = StudentCopy.Make(notebook, Path.GetDirectoryName(from), Path.GetDirectoryName(to));
                notebook.Save(to);
                foreach (string note in notebook.Notes)
                    Console.Error.WriteLine($"{Path.GetFileName(from)}, {note}");
                Console.Error.WriteLine($"{parsed.GetRequiredValue(target)}: {taken} solutions taken out.");
                return 0;
            })
        );
        return command;
    }
}
