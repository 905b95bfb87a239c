#nullable enable
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Mono.Cecil;
using Mono.Cecil.Cil;

/// <summary>Rewrites TorchSharp.dll so that what a native call works on lives, and what it reports is heard, until it has returned.</summary>
/// <remarks>
/// <para>
/// Lives: TorchSharp hands libtorch bare handles, and a tensor whose last use is that hand-over may be finalized, and so freed, inside the call.
/// After each native call <c>GC.KeepAlive</c> is told of <c>this</c>, of every argument and local of reference type, and of each object whose <c>Handle</c> was read.
/// </para>
/// <para>
/// Heard: libtorch's exceptions arrive as TorchSharp's last error, which some methods never look at. Those get the look, except where an object is given back:
/// an exception there would end the process on the finalizer's thread.
/// </para>
/// <para>
/// Loaded: libLibTorchSharp comes before libtorch, so that the guard stands first among the libraries in which libtorch's own symbols are looked up (memory.cpp, mkl.cpp);
/// and a load that failed throws the loader's own reason, instead of copying the packages' 500 MB beside the program to fail once more.
/// </para>
/// </remarks>
public sealed class WeaveTorchSharp : Microsoft.Build.Utilities.Task
{
    /// <summary>The package's TorchSharp.dll.</summary>
    [Required]
    public string From { get; set; } = "";

    /// <summary>Where the woven one goes.</summary>
    [Required]
    public string To { get; set; } = "";

    /// <summary>Whether libLibTorchSharp is loaded before libtorch.</summary>
    public bool GuardFirst { get; set; }

    /// <inheritdoc/>
    public override bool Execute()
    {
        using var module = ModuleDefinition.ReadModule(From, new ReaderParameters { InMemory = true });
        var weaver = new Weaver(module);
        weaver.KeepAlive();
        if (GuardFirst)
        {
            weaver.LoadTheGuardFirst();
        }
        weaver.NeverCopyThePackages();
        weaver.Sign();
        string made = To + ".new";
        module.Write(made);
        File.Delete(To);
        File.Move(made, To);
        Log.LogMessage(MessageImportance.Normal, "{0}: {1}", To, weaver.Counts);
        return true;
    }

    private sealed class Weaver
    {
        private static readonly Dictionary<Code, OpCode> s_longJumps = new()
        {
            [Code.Br_S] = OpCodes.Br,
            [Code.Brfalse_S] = OpCodes.Brfalse,
            [Code.Brtrue_S] = OpCodes.Brtrue,
            [Code.Beq_S] = OpCodes.Beq,
            [Code.Bge_S] = OpCodes.Bge,
            [Code.Bgt_S] = OpCodes.Bgt,
            [Code.Ble_S] = OpCodes.Ble,
            [Code.Blt_S] = OpCodes.Blt,
            [Code.Bne_Un_S] = OpCodes.Bne_Un,
            [Code.Bge_Un_S] = OpCodes.Bge_Un,
            [Code.Bgt_Un_S] = OpCodes.Bgt_Un,
            [Code.Ble_Un_S] = OpCodes.Ble_Un,
            [Code.Blt_Un_S] = OpCodes.Blt_Un,
            [Code.Leave_S] = OpCodes.Leave,
        };

        private readonly ModuleDefinition _module;
        private readonly TypeDefinition _torch;
        private readonly MethodReference _keepAlive;
        private readonly MethodReference _checkForErrors;
        private int _methods;
        private int _calls;
        private int _receivers;
        private int _checks;

        internal Weaver(ModuleDefinition module)
        {
            _module = module;
            _torch = module.GetType("TorchSharp.torch");
            _checkForErrors = Method("CheckForErrors");
            _keepAlive = new MethodReference("KeepAlive", module.TypeSystem.Void, Core("GC")) { Parameters = { new ParameterDefinition(module.TypeSystem.Object) } };
        }

        internal string Counts => $"{_methods} methods, {_calls} native calls, {_receivers} objects whose handle was read, {_checks} calls whose error nobody asked for";

        internal void KeepAlive()
        {
            foreach (var method in _module.GetTypes().SelectMany(type => type.Methods).Where(method => method.HasBody))
            {
                var calls = method.Body.Instructions.Where(IsNativeCall).ToList();
                if (calls.Count == 0)
                {
                    continue;
                }
                _methods++;
                _calls += calls.Count;
                LengthenJumps(method);
                HoldReceivers(method);
                bool asks = method.Body.Instructions.Any(Calls("CheckForErrors")) || GivesBack(method);
                foreach (var call in calls)
                {
                    InsertAfter(method, call, Kept(method).Concat(asks || MayNotAsk((MethodReference)call.Operand) ? [] : Check()));
                }
                method.Body.InitLocals = true;
            }
        }

        // A jump over what is added may be longer than a byte can tell.
        private static void LengthenJumps(MethodDefinition method)
        {
            foreach (var jump in method.Body.Instructions.Where(at => at.OpCode.OperandType == OperandType.ShortInlineBrTarget))
            {
                jump.OpCode = s_longJumps[jump.OpCode.Code];
            }
        }

        // x.Handle, where x is no argument and no local: it is put into one.
        private void HoldReceivers(MethodDefinition method)
        {
            foreach (var read in method.Body.Instructions.Where(Calls("get_Handle")).ToList())
            {
                var getter = (MethodReference)read.Operand!;
                var held = new VariableDefinition(getter.DeclaringType);
                if (!IsReference(held.VariableType))
                {
                    continue;
                }
                _receivers++;
                method.Body.Variables.Add(held);
                // The read itself becomes the `dup`, for a jump may lead to it.
                var again = Instruction.Create(read.OpCode, getter);
                read.OpCode = OpCodes.Dup;
                read.Operand = null;
                InsertAfter(method, read, [Instruction.Create(OpCodes.Stloc, held), again]);
            }
        }

        private IEnumerable<Instruction> Kept(MethodDefinition method)
        {
            var loads = new List<Instruction>();
            if (method.HasThis && !method.DeclaringType.IsValueType && !method.IsConstructor)
            {
                loads.Add(Instruction.Create(OpCodes.Ldarg, method.Body.ThisParameter));
            }
            loads.AddRange(method.Parameters.Where(parameter => IsReference(parameter.ParameterType)).Select(parameter => Instruction.Create(OpCodes.Ldarg, parameter)));
            loads.AddRange(method.Body.Variables.Where(local => IsReference(local.VariableType)).Select(local => Instruction.Create(OpCodes.Ldloc, local)));
            return loads.SelectMany(load => new[] { load, Instruction.Create(OpCodes.Call, _keepAlive) });
        }

        private Instruction[] Check()
        {
            _checks++;
            return [Instruction.Create(OpCodes.Call, _checkForErrors)];
        }

        internal void LoadTheGuardFirst()
        {
            var method = Method("LoadNativeBackend");
            foreach (var name in method.Body.Instructions.Where(at => at.Operand is "torch_cuda" or "torch_cpu").ToList())
            {
                // TryLoadNativeLibraryByName("torch_cpu", typeof(torch).Assembly, trace) is done for LibTorchSharp, then for itself.
                var end = name;
                while (!Calls("TryLoadNativeLibraryByName")(end))
                {
                    end = end.Next;
                }
                var itself = Copies(name, end).ToList();
                name.Operand = "LibTorchSharp";
                InsertAfter(method, end, itself.Prepend(Instruction.Create(OpCodes.Pop)));
            }
        }

        private static IEnumerable<Instruction> Copies(Instruction from, Instruction to)
        {
            for (var at = from; ; at = at.Next)
            {
                var copy = Instruction.Create(OpCodes.Nop);
                copy.OpCode = at.OpCode;
                copy.Operand = at.Operand;
                yield return copy;
                if (at == to)
                {
                    yield break;
                }
            }
        }

        internal void NeverCopyThePackages()
        {
            var attempt = Method("TryLoadNativeLibraryByName").Body.Instructions.Select(at => at.Operand).OfType<MethodReference>().Single(called => called.Name == "TryLoad");
            var type = Method("LoadNativeBackend").Body.Instructions.Select(at => at.Operand).OfType<MethodReference>().ToList();
            var load = new MethodReference("Load", attempt.ReturnType, attempt.DeclaringType) { ReturnType = _module.TypeSystem.IntPtr };
            attempt.Parameters.Take(3).ToList().ForEach(load.Parameters.Add);
            var body = Method("CopyNativeComponentsIntoSingleDirectory").Body;
            body.Instructions.Clear();
            body.ExceptionHandlers.Clear();
            body.Variables.Clear();
            body.InitLocals = true;
            var anywhere = new VariableDefinition(load.Parameters[2].ParameterType);
            body.Variables.Add(anywhere);
            var il = body.GetILProcessor();
            il.Emit(OpCodes.Ldstr, "LibTorchSharp");
            il.Emit(OpCodes.Ldtoken, _torch);
            il.Emit(OpCodes.Call, type.First(called => called.Name == "GetTypeFromHandle"));
            il.Emit(OpCodes.Callvirt, type.First(called => called.Name == "get_Assembly"));
            il.Emit(OpCodes.Ldloc, anywhere);
            il.Emit(OpCodes.Call, load);
            il.Emit(OpCodes.Pop);
            il.Emit(OpCodes.Ldc_I4_0);
            il.Emit(OpCodes.Ret);
        }

        internal void Sign()
        {
            var text = _module.TypeSystem.String;
            var constructor = new MethodReference(".ctor", _module.TypeSystem.Void, Core("Reflection.AssemblyMetadataAttribute")) { HasThis = true, Parameters = { new ParameterDefinition(text), new ParameterDefinition(text) } };
            _module.Assembly.CustomAttributes.Add(new CustomAttribute(constructor) { ConstructorArguments = { new CustomAttributeArgument(text, "Woven"), new CustomAttributeArgument(text, Counts) } });
        }

        private TypeReference Core(string name)
        {
            int dot = name.LastIndexOf('.');
            string space = dot < 0 ? "System" : "System." + name.Substring(0, dot);
            return new TypeReference(space, name.Substring(dot + 1), _module, _module.AssemblyReferences.First(reference => reference.Name == "System.Runtime"));
        }

        private MethodDefinition Method(string name) => _torch.Methods.Single(method => method.Name == name);

        private static bool IsNativeCall(Instruction at) => at.OpCode == OpCodes.Call && at.Operand is MethodReference { DeclaringType.Name: "NativeMethods" };

        private static Func<Instruction, bool> Calls(string name) => at => (at.OpCode == OpCodes.Call || at.OpCode == OpCodes.Callvirt) && at.Operand is MethodReference called && called.Name == name;

        private static bool GivesBack(MethodReference method) => method.Name is "Finalize" or "ReleaseHandle" || method.Name.IndexOf("dispose", StringComparison.OrdinalIgnoreCase) >= 0;

        // The look itself; what torch's own static constructor calls, which must not fail of an error before it; a checksum, which cannot fail.
        private static bool MayNotAsk(MethodReference native) => native.Name is "THSTorch_get_and_reset_last_err" or "THSTorchCuda_is_available" or "crc32c_append" || GivesBack(native);

        private static bool IsReference(TypeReference type) =>
            !type.IsValueType && !type.IsByReference && !type.IsPointer && !type.IsPinned && !type.IsFunctionPointer && !type.IsGenericParameter && type.MetadataType is not (MetadataType.String or MetadataType.Void or MetadataType.IntPtr or MetadataType.UIntPtr);

        private static void InsertAfter(MethodDefinition method, Instruction at, IEnumerable<Instruction> added)
        {
            var il = method.Body.GetILProcessor();
            foreach (var instruction in added)
            {
                il.InsertAfter(at, instruction);
                at = instruction;
            }
        }
    }
}
