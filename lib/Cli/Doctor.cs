using PatchKit.Data.Images;

namespace PatchKit.Cli;

/// <summary>Looks at the installation, from the runtime up to a small training run.</summary>
internal static class Doctor
{
    /// <summary>All checks in order. What needs libtorch is left out where it does not load.</summary>
    internal static IEnumerable<Check> Examine()
    {
        yield return MachineChecks.DotNet();
        yield return MachineChecks.Cpu();
        if (OperatingSystem.IsLinux())
            yield return MachineChecks.Launcher();
        foreach (var check in EngineChecks.All())
        {
            yield return check;
            if (check is { Name: "TorchSharp", Standing: Standing.Broken })
                yield break;
        }
        yield return Images();
        yield return MachineChecks.Threads();
        if (OperatingSystem.IsLinux())
            yield return MachineChecks.Memory();
        yield return MachineChecks.Cuda();
        yield return MachineChecks.DataParallel();
        yield return Training();
        yield return Data();
        yield return Notebooks();
    }

    private static Check Images() =>
        ImageLibrary.Present
            ? Check.Ok(
                "images",
                "JPEG and PNG are decoded by libjpeg-turbo and libpng, whose pixels are Pillow's, all else "
                    + "by ImageSharp"
            )
            : Check.Degraded(
                "images",
                "all are decoded by ImageSharp: a JPEG's pixels then differ from Pillow's by up "
                    + $"to {ImageSharpCodec.MostLevelsFromPillow} of 255 levels; resizing gives the same bytes, slower",
                ImageLibrary.Absence
            );

    private static Check Training()
    {
        var losses = SmallNetwork.Train(steps: 20);
        return losses[^1] < losses[0]
            ? Check.Ok("training", $"a small network's loss falls from {losses[0]:F4} to {losses[^1]:F4} in 20 steps")
            : Check.Broken(
                "training",
                $"a small network's loss went from {losses[0]:F4} to {losses[^1]:F4} in 20 steps",
                "Gradients are wrong here; run the tests (environment/test.sh) and report what fails."
            );
    }

    private static Check Data()
    {
        string folder = Environment.GetEnvironmentVariable("PATCHKIT_DATA") ?? "";
        if (folder.Length == 0)
            return Check.Ok("data", "no data folder set (PATCHKIT_DATA); generated images need none");
        return Directory.Exists(folder)
            ? Check.Ok("data", folder)
            : Check.Degraded("data", $"PATCHKIT_DATA={folder} does not exist", "Create it, or unset PATCHKIT_DATA.");
    }

    private static Check Notebooks()
    {
        if (!File.Exists(Path.Combine(AppContext.BaseDirectory, "csnotebook")))
            return Check.Ok("notebooks", "no csnotebook beside this program; environment/setup.sh builds it into bin/");
        string? data = Environment.GetEnvironmentVariable("JUPYTER_DATA_DIR"),
            home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        bool installed = new[]
        {
            data ?? Path.Combine(home, ".local", "share", "jupyter"),
            "/usr/local/share/jupyter",
            "/usr/share/jupyter",
        }.Any(folder => File.Exists(Path.Combine(folder, "kernels", "csnotebook", "kernel.json")));
        return Check.Ok(
            "notebooks",
            installed
                ? "csnotebook is built, and installed as a Jupyter kernel"
                : "csnotebook is built; `bin/csnotebook install` lets VS Code and JupyterLab find it"
        );
    }
}
