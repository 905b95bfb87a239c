#nullable enable
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Text;
using Microsoft.Build.Framework;

/// <summary>
/// Copies TorchSharp's native library with a need of a version made weak and, where a guard takes its name, with
/// another name; lists what it exports.
/// </summary>
/// <remarks>
/// libLibTorchSharp.so 0.107 was built by GCC 13 and needs GLIBCXX_3.4.32 of libstdc++ for one marker symbol that
/// nothing calls, so that libstdc++ 12 refuses to load it. One bit (VER_FLG_WEAK) makes of the need a wish. A newer
/// libstdc++ has the version, and sees no difference.
/// </remarks>
public sealed class RawTorchSharp : Microsoft.Build.Utilities.Task
{
    private const int DynamicSymbols = 11; // SHT_DYNSYM
    private const int Dynamic = 6; // SHT_DYNAMIC
    private const int VersionNeeds = 0x6ffffffe; // SHT_GNU_verneed
    private const byte Weak = 2; // VER_FLG_WEAK
    private const int Soname = 14; // DT_SONAME
    private const byte GlobalFunction = (1 << 4) | 2; // STB_GLOBAL, STT_FUNC

    private byte[] _elf = [];

    /// <summary>The package's library.</summary>
    [Required]
    public string From { get; set; } = "";

    /// <summary>Where the copy goes.</summary>
    [Required]
    public string To { get; set; } = "";

    /// <summary>The version whose need becomes weak.</summary>
    [Required]
    public string Version { get; set; } = "";

    /// <summary>The copy's name for the loader, as long as the library's own; none to leave it.</summary>
    public string Name { get; set; } = "";

    /// <summary>The file that gets a line <c>NATIVE(THSTensor_add)</c> for each native; none for no list.</summary>
    public string Natives { get; set; } = "";

    /// <summary>The native that is left out of the list.</summary>
    public string Except { get; set; } = "";

    /// <inheritdoc/>
    public override bool Execute()
    {
        _elf = File.ReadAllBytes(From);
        var needs = Needs().Where(need => Text(need.Name) == Version).ToList();
        foreach (var (flags, _) in needs)
        {
            _elf[flags] |= Weak;
        }
        if (Name != "" && !Rename())
        {
            return false;
        }
        if (Natives != "")
        {
            var names = Exports().OrderBy(name => name, StringComparer.Ordinal);
            File.WriteAllLines(Natives, names.Select(name => $"NATIVE({name})"));
        }
        File.WriteAllBytes(To + ".new", _elf);
        File.Delete(To);
        File.Move(To + ".new", To);
        Log.LogMessage(MessageImportance.Normal, "{0}: {1} needs of {2} are weak", To, needs.Count, Version);
        return true;
    }

    // Where the flags of a needed version are, and its name.
    private IEnumerable<(long Flags, long Name)> Needs()
    {
        foreach (long section in Sections(VersionNeeds))
        {
            long strings = Strings(section);
            for (long library = Int64(section + 24), next = 1; next != 0; library += next)
            {
                next = Int32(library + 12);
                long version = library + Int32(library + 8);
                for (int count = Int16(library + 2); count > 0; count--, version += Int32(version + 12))
                {
                    yield return (version + 4, strings + Int32(version + 8));
                }
            }
        }
    }

    private bool Rename()
    {
        foreach (long section in Sections(Dynamic))
        {
            for (long entry = Int64(section + 24); Int64(entry) != 0; entry += 16)
            {
                if (Int64(entry) != Soname)
                {
                    continue;
                }
                long at = Strings(section) + Int64(entry + 8);
                if (Text(at).Length != Name.Length)
                {
                    Log.LogError("{0} calls itself {1}, and {2} is not as long.", From, Text(at), Name);
                    return false;
                }
                Encoding.ASCII.GetBytes(Name).CopyTo(_elf, (int)at);
                return true;
            }
        }
        Log.LogError("{0} has no name for the loader.", From);
        return false;
    }

    private IEnumerable<string> Exports()
    {
        foreach (long section in Sections(DynamicSymbols))
        {
            long strings = Strings(section),
                from = Int64(section + 24);
            for (long symbol = from; symbol < from + Int64(section + 32); symbol += 24)
            {
                string name = Text(strings + Int32(symbol));
                bool defined = Int16(symbol + 6) != 0 && _elf[symbol + 4] == GlobalFunction;
                if (defined && name.StartsWith("THS", StringComparison.Ordinal) && name != Except)
                {
                    yield return name;
                }
            }
        }
    }

    // The headers of the sections of a type.
    private IEnumerable<long> Sections(int type) =>
        Enumerable.Range(0, Int16(0x3C)).Select(Header).Where(header => Int32(header + 4) == type);

    private long Header(int section) => Int64(0x28) + section * Int16(0x3A);

    // The strings that a section's entries point into.
    private long Strings(long header) => Int64(Header(Int32(header + 40)) + 24);

    private string Text(long at) =>
        Encoding.ASCII.GetString(_elf, (int)at, Array.IndexOf(_elf, (byte)0, (int)at) - (int)at);

    private int Int16(long at) => BitConverter.ToUInt16(_elf, (int)at);

    private int Int32(long at) => BitConverter.ToInt32(_elf, (int)at);

    private long Int64(long at) => BitConverter.ToInt64(_elf, (int)at);
}
