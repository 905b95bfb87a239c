using System.Diagnostics;
using System.Globalization;

namespace PatchKit.Bench;

/// <summary>
/// A Python process with torch, kept for the length of a benchmark so that its start costs nothing: a line in, a number
/// out. Its program is made of the embedded resources of the names given.
/// </summary>
internal sealed class PythonPeer : IDisposable
{
    private readonly Process _process;

    private PythonPeer(Process process, string version) => (_process, Version) = (process, version);

    /// <summary>The peer's torch version.</summary>
    internal string Version { get; }

    /// <summary>Starts the peer, or returns null where no python3 can import torch.</summary>
    /// <param name="resources">what its program is made of, in order.</param>
    internal static PythonPeer? Start(params string[] resources)
    {
        foreach (string python in new[] { "python3", "/usr/bin/python3" })
        {
            var process = Launch(python, resources);
            if (process?.StandardOutput.ReadLine() is { } version)
                return new PythonPeer(process, version);
            process?.Dispose();
        }
        return null;
    }

    /// <summary>Sends a request; returns the number that the peer answers.</summary>
    /// <exception cref="InvalidOperationException">The peer ended or answered something else.</exception>
    internal double Ask(string request)
    {
        _process.StandardInput.WriteLine(request);
        _process.StandardInput.Flush();
        string? answer = _process.StandardOutput.ReadLine();
        return double.TryParse(answer, CultureInfo.InvariantCulture, out double number)
            ? number
            : throw new InvalidOperationException(
                $"Python torch answered \"{answer}\" to \"{request}\"; a number was expected."
            );
    }

    /// <summary>What Python calls an element type: "bfloat16".</summary>
    internal static string Name(TorchSharp.torch.ScalarType dtype) => dtype.ToString().ToLowerInvariant();

    private static Process? Launch(string python, string[] resources)
    {
        string program = string.Concat(resources.Select(Text));
        var start = new ProcessStartInfo(python, ["-c", program])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        try
        {
            var process = Process.Start(start);
            process?.ErrorDataReceived += (_, _) => { };
            process?.BeginErrorReadLine();
            return process;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return null;
        }
    }

    private static string Text(string resource)
    {
        using var reader = new StreamReader(typeof(PythonPeer).Assembly.GetManifestResourceStream(resource)!);
        return reader.ReadToEnd();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _process.StandardInput.Close();
        if (!_process.WaitForExit(5000))
            _process.Kill();
        _process.Dispose();
    }
}
