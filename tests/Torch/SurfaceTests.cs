using System.Reflection;
using System.Runtime.CompilerServices;
using TorchSharp;
using Xunit;

namespace PatchKit.Tests.Torch;

/// <summary>The house rule for lib/Torch's core: no public member without a caller in PatchKit or a test that calls it.</summary>
public sealed class SurfaceTests
{
    private const BindingFlags Everything = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Module Library = typeof(torch).Module;

    [Fact]
    public void EveryPublicMemberOfTheCoreIsCalled()
    {
        var called = CalledByTests().Concat(CalledByPatchKit()).ToHashSet();
        var missed = Core().SelectMany(Callable).Where(member => !called.Contains(member.MetadataToken)).Select(member => $"{member.DeclaringType}.{member}").Order().ToArray();
        Assert.True(missed.Length == 0, $"nothing calls\n{string.Join('\n', missed)}");
    }

    private static IEnumerable<Type> Core() => Library.GetTypes().Where(type =>
        type.IsVisible && !type.IsEnum && type.Namespace is "TorchSharp" or "TorchSharp.Utils" && !typeof(Exception).IsAssignableFrom(type)
        && type.FullName!.Split('+') is not [_, "nn" or "optim", ..] && type.Name is not ("ComponentNameAttribute" or "ModuleExtensionMethods"));

    private static IEnumerable<MethodBase> Callable(Type type)
    {
        const BindingFlags All = Everything & ~BindingFlags.NonPublic;
        // An override is called by the name of what it overrides.
        var methods = type.GetMethods(All).Where(method => method.GetBaseDefinition() == method && !method.IsDefined(typeof(CompilerGeneratedAttribute)) || method.IsSpecialName);
        return methods.Where(method => !method.IsVirtual || !method.IsFinal).Concat<MethodBase>(type.GetConstructors(All & ~BindingFlags.Static)).Distinct();
    }

    // Every place in the code of other namespaces where a call is followed by the token of a method; a chance match does no harm.
    private static IEnumerable<int> CalledByPatchKit() =>
        from type in Library.GetTypes()
        where type.Namespace?.StartsWith("TorchSharp", StringComparison.Ordinal) != true
        from method in type.GetMethods(Everything).Concat<MethodBase>(type.GetConstructors(Everything))
        let code = method.GetMethodBody()?.GetILAsByteArray() ?? []
        from at in Enumerable.Range(0, Math.Max(0, code.Length - 4))
        where code[at] is 0x28 or 0x6F or 0x73 // call, callvirt, newobj
        select BitConverter.ToInt32(code, at + 1);

    // Row by row through the table of members that this assembly's code refers to.
    private static IEnumerable<int> CalledByTests()
    {
        var tests = typeof(SurfaceTests).Module;
        for (int token = 0x0A000001; Resolve(token, typeof(float)) is { } member; token++)
            if (member.Module == Library) yield return member.MetadataToken;

        // Type parameters stand for any type that their constraints let pass.
        MemberInfo? Resolve(int token, Type argument)
        {
            try
            {
                Type[] arguments = [argument, argument, argument, argument];
                return tests.ResolveMember(token, arguments, arguments);
            }
            catch (TypeLoadException) when (argument == typeof(float))
            {
                return Resolve(token, typeof(TorchException));
            }
            catch (ArgumentOutOfRangeException)
            {
                return null;
            }
        }
    }
}
