using System.ComponentModel;
using System.Diagnostics;
using PatchKit.Data.Images;

namespace PatchKit.Data.Sets;

/// <summary>Files that may be packed by xz, for which .NET has no reader: the program xz unpacks them.</summary>
internal static class XzFile
{
    /// <summary>The bytes of a file, unpacked where its name ends in .xz.</summary>
    /// <exception cref="ImageException">The file is missing or damaged, or there is no xz.</exception>
    internal static byte[] ReadAllBytes(string path)
    {
        if (!File.Exists(path))
            throw new ImageException(path, "does not exist; check the path.");
        if (!path.EndsWith(".xz", StringComparison.Ordinal))
            return File.ReadAllBytes(path);
        var start = new ProcessStartInfo("xz")
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            ArgumentList = { "-dc", "--", Path.GetFullPath(path) },
        };
        Process process;
        try
        {
            process = Process.Start(start)!;
        }
        catch (Win32Exception e)
        {
            throw new ImageException(
                path,
                "is packed, and the program xz that unpacks it is not installed: install it "
                    + "(Debian/Ubuntu: apt install xz-utils), or unpack the file elsewhere with `xz -dk`.",
                e
            );
        }
        using (process)
        {
            var complaint = process.StandardError.ReadToEndAsync();
            using var unpacked = new MemoryStream();
            process.StandardOutput.BaseStream.CopyTo(unpacked);
            process.WaitForExit();
            if (process.ExitCode != 0)
                throw new ImageException(
                    path,
                    $"could not be unpacked by xz ({complaint.Result.Trim()}); it is damaged, so fetch it again."
                );
            return unpacked.ToArray();
        }
    }
}
