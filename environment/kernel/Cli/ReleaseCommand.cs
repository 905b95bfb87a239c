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
        var command = new Command("release", "Write a copy without solutions (// BEGIN SOLUTION ... // END SOLUTION) and outputs") { file, target };
        command.SetAction(parsed => Sentences.Guard(() =>
        {
            var notebook = NotebookFile.Load(parsed.GetRequiredValue(file).FullName);
            int taken = StudentCopy.Make(notebook);
            notebook.Save(parsed.GetRequiredValue(target).FullName);
            Console.Error.WriteLine($"{parsed.GetRequiredValue(target)}: {taken} solutions taken out.");
            return 0;
        }));
        return command;
    }
}
