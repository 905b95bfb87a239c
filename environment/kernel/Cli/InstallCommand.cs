using System.CommandLine;
using CsNotebook.Jupyter;

namespace CsNotebook.Cli;

/// <summary><c>csnotebook install</c> and <c>csnotebook uninstall</c>: the kernel in Jupyter's list.</summary>
internal static class InstallCommand
{
    public static Command Create() =>
        Command("install", "Let Jupyter and VS Code know this kernel", KernelSpecs.Install, "Installed in");

    public static Command CreateUninstall() =>
        Command("uninstall", "Take this kernel out of Jupyter's list", KernelSpecs.Uninstall, "Removed");

    private static Command Command(
        string verb,
        string description,
        Func<string, string, IReadOnlyList<string>> action,
        string done
    )
    {
        var user = new Option<bool>("--user") { Description = "For this user (the default)" };
        var prefix = new Option<DirectoryInfo?>("--prefix")
        {
            Description = "Below this folder, in share/jupyter/kernels",
        };
        var active = new Option<bool>("--sys-prefix") { Description = "For the active Python environment" };
        var name = new Option<string>("--name")
        {
            Description = "The kernel's name",
            DefaultValueFactory = _ => KernelSpecs.OwnName,
        };
        var command = new Command(verb, description) { user, prefix, active, name };
        command.SetAction(parsed =>
            Sentences.Guard(() =>
            {
                var below = parsed.GetValue(prefix);
                bool forActive = parsed.GetValue(active);
                if ((parsed.GetValue(user) ? 1 : 0) + (below is null ? 0 : 1) + (forActive ? 1 : 0) > 1)
                    throw new ArgumentException(
                        "--user, --prefix and --sys-prefix name three places; give one of them."
                    );
                string kernels =
                    below is not null ? KernelSpecs.PrefixFolder(below.FullName)
                    : forActive ? KernelSpecs.ActiveFolder()
                    : KernelSpecs.UserFolder;
                foreach (string folder in action(kernels, parsed.GetRequiredValue(name)))
                    Console.WriteLine($"{done} {folder}");
                return 0;
            })
        );
        return command;
    }
}
