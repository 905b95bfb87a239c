using System.Runtime.Intrinsics.X86;
using Mono.Cecil;
using PatchKit.Torch;
using PatchKit.Training;
using TorchSharp;
using Xunit;

namespace PatchKit.Tests.Platforms;

/// <summary>
/// No native function that one platform lacks is called before somebody asked whether it is there. Read off the
/// compiled assemblies: whoever calls such a function, or a method that does, must ask one of
/// <see cref="Questions"/> or be called only by those who do.
/// </summary>
public sealed class NativeCallTests(ITestOutputHelper output)
{
    // Methods whose answer is no where the functions are absent, and one that refuses with a sentence.
    private static readonly string[] Questions =
    [
        "OperatingSystem::IsLinux",
        "OperatingSystem::IsWindows",
        "OperatingSystem::IsMacOS",
        "Guard::get_Exists",
        "Engine::get_CountsTensors",
        "Kernels::get_Present",
        "Kernels::On",
        "Kernels::Require",
        "KernelTarget::Has",
        "NativeLibraries::Find",
        "NativeLibrary::TryGetExport",
        "ImageLibrary::get_Present",
        "Libtorch::get_HasCpp",
        "Gloo::get_Absence",
        "ProcessGroup::get_Backends",
    ];

    private static readonly string[] Portable = ["aoti_torch_", "torch_"];

    [Fact, Trait("speed", "seconds")]
    public void EveryCallThatOnePlatformLacksIsAskedFor()
    {
        using var patchkit = ModuleDefinition.ReadModule(typeof(Engine).Assembly.Location);
        using var torchSharp = ModuleDefinition.ReadModule(typeof(torch).Assembly.Location);
        var everywhere = Imported(torchSharp).Select(method => method.PInvokeInfo.EntryPoint).ToHashSet();
        var imported = Imported(patchkit).ToList();
        var missing = imported.Where(method => !IsEverywhere(method.PInvokeInfo, everywhere)).ToList();
        output.WriteLine($"{imported.Count} native functions, {missing.Count} of them not on every platform");
        Assert.NotEmpty(missing);
        var ways = Unasked(patchkit, missing, Questions);
        output.WriteLine(string.Join("\n", ways));
        Assert.Empty(ways);
    }

    // The check itself: without its questions it finds callers.
    [Fact, Trait("speed", "seconds")]
    public void ACallThatNobodyAskedForIsFound()
    {
        using var patchkit = ModuleDefinition.ReadModule(typeof(Engine).Assembly.Location);
        var guard = Imported(patchkit).Where(method => method.Name == "pkg_memory_live").ToList();
        Assert.Single(guard);
        Assert.NotEmpty(Unasked(patchkit, guard, []));
        Assert.Empty(Unasked(patchkit, guard, Questions));
    }

    [Fact]
    public void TheKernelAsksToo()
    {
        string csnotebook = Checkout.Path("bin", "csnotebook.dll");
        Assert.SkipUnless(File.Exists(csnotebook), "bin/ is filled by environment/setup.sh");
        using var module = ModuleDefinition.ReadModule(csnotebook);
        var libc = Imported(module).ToList();
        output.WriteLine(string.Join('\n', libc));
        Assert.NotEmpty(Unasked(module, libc, []));
        Assert.Empty(Unasked(module, libc, Questions));
    }

    // What stands for /proc/cpuinfo where that is not.
    [Fact]
    public void AProcessorNamesItself()
    {
        Assert.SkipUnless(X86Base.IsSupported, "this is no x86 processor");
        output.WriteLine($"{Machine.Brand()}, here {Machine.Here(torch.CPU).Processor}");
        Assert.Matches(@"^\w[ -~]*\w", Machine.Brand());
    }

    private static IEnumerable<MethodDefinition> Imported(ModuleDefinition module) =>
        module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasPInvokeInfo);

    // TorchSharp's natives are on every platform it has, as are libtorch's plain C functions. C++ names differ, and the
    // rest is our own, for Linux.
    private static bool IsEverywhere(PInvokeInfo import, HashSet<string> torchSharps) =>
        import.Module.Name switch
        {
            NativeLibraries.TorchSharp => torchSharps.Contains(import.EntryPoint),
            NativeLibraries.Torch => Portable.Any(start =>
                import.EntryPoint.StartsWith(start, StringComparison.Ordinal)
            ),
            _ => false,
        };

    /// <summary>Ways by which one of the functions is reached without a question, from the outermost caller.</summary>
    private static List<string> Unasked(
        ModuleDefinition module,
        IEnumerable<MethodDefinition> functions,
        string[] questions
    )
    {
        var callers = new Dictionary<MethodDefinition, HashSet<MethodDefinition>>();
        var asks = new HashSet<MethodDefinition>();
        foreach (var method in module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody))
        {
            foreach (var called in method.Body.Instructions.Select(at => at.Operand).OfType<MethodReference>())
            {
                if (questions.Contains($"{called.DeclaringType.Name}::{called.Name}"))
                    asks.Add(method);
                if (called.DeclaringType.Scope == module && called.Resolve() is { } target)
                    Add(target, method);
            }
        }
        var found = new List<string>();
        var seen = new HashSet<MethodDefinition>();
        var due = new Queue<(MethodDefinition Method, string Way)>(functions.Select(start => (start, start.Name)));
        while (due.TryDequeue(out var next))
        {
            if (!seen.Add(next.Method) || asks.Contains(next.Method))
                continue;
            if (next.Method.IsVirtual && Makers(next.Method).Any(asks.Contains))
                continue;
            var above = Above(next.Method);
            if (above.Count == 0)
                found.Add(next.Way);
            foreach (var caller in above)
                due.Enqueue((caller, $"{caller.DeclaringType.Name}.{caller.Name} > {next.Way}"));
        }
        return found;

        // What is called by way of a base class or an interface is reached from where its object is made: so are
        // iterators, of which a compiler makes classes. A lambda is reached from where it is made.
        List<MethodDefinition> Above(MethodDefinition method) =>
            [
                .. (method.IsVirtual ? Makers(method).SelectMany(Callers) : Callers(method)).Where(caller =>
                    caller != method
                ),
            ];

        IEnumerable<MethodDefinition> Callers(MethodDefinition method) => callers.GetValueOrDefault(method) ?? [];

        static IEnumerable<MethodDefinition> Makers(MethodDefinition method) =>
            method.DeclaringType.Methods.Where(member => member.IsConstructor && !member.IsStatic);

        void Add(MethodDefinition target, MethodDefinition caller)
        {
            if (!callers.TryGetValue(target, out var known))
                callers.Add(target, known = []);
            known.Add(caller);
        }
    }
}
