#nullable enable
using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Microsoft.Build.Framework;
using Mono.Cecil;
using Mono.Cecil.Cil;

/// <summary>
/// Rewrites TorchSharp.dll so that what a native call works on lives, and what it reports is heard, until it has
/// returned. README.md beside this file tells what each part mends.
/// </summary>
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
        weaver.CountMovedHandles();
        weaver.LeaveTensorsToTheirOwnFinalizers();
        weaver.NeverCopyThePackages();
        if (GuardFirst)
        {
            weaver.LoadTheGuardFirst();
        }
        weaver.Sign();
        module.Write(To + ".new");
        File.Delete(To);
        File.Move(To + ".new", To);
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
            _keepAlive = new MethodReference("KeepAlive", module.TypeSystem.Void, Core("System", "GC"))
            {
                Parameters = { new ParameterDefinition(module.TypeSystem.Object) },
            };
        }

        internal string Counts =>
            $"{_methods} methods, {_calls} native calls, {_receivers} objects whose handle was read, "
            + $"{_checks} calls whose error nobody asked for";

        // After each native call, GC.KeepAlive of all that it may work on, and the look at the last error where the
        // method never looks.
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
                    bool ask = !asks && !MayNotAsk((MethodReference)call.Operand);
                    InsertAfter(method, call, ask ? Kept(method).Append(Check()) : Kept(method));
                }
                method.Body.InitLocals = true;
            }
        }

        // A jump over what is added may be longer than a byte can tell.
        private static void LengthenJumps(MethodDefinition method)
        {
            var jumps = method.Body.Instructions.Where(at => s_longJumps.ContainsKey(at.OpCode.Code));
            foreach (var jump in jumps)
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
            foreach (var parameter in method.Parameters.Where(parameter => IsReference(parameter.ParameterType)))
            {
                loads.Add(Instruction.Create(OpCodes.Ldarg, parameter));
            }
            foreach (var local in method.Body.Variables.Where(local => IsReference(local.VariableType)))
            {
                loads.Add(Instruction.Create(OpCodes.Ldloc, local));
            }
            return loads.SelectMany(load => new[] { load, Instruction.Create(OpCodes.Call, _keepAlive) });
        }

        private Instruction Check()
        {
            _checks++;
            return Instruction.Create(OpCodes.Call, _checkForErrors);
        }

        // A tensor whose handle is moved into a parameter is one tensor less.
        internal void CountMovedHandles()
        {
            var tensor = _torch.NestedTypes.Single(type => type.Name == "Tensor");
            var count = tensor.Methods.Single(method => method.Name == "Dispose" && method.Parameters.Count == 1).Body;
            var decrement = count.Instructions.First(Calls("Decrement"));
            var body = tensor.Methods.Single(method => method.Name == "MoveHandle").Body;
            var il = body.GetILProcessor();
            var start = body.Instructions[0];
            il.InsertBefore(start, Instruction.Create(OpCodes.Ldsflda, (FieldReference)decrement.Previous.Operand!));
            il.InsertBefore(start, Instruction.Create(OpCodes.Call, (MethodReference)decrement.Operand!));
            il.InsertBefore(start, Instruction.Create(OpCodes.Pop));
        }

        // A module or an optimizer that is collected disposes no tensor, which others may hold: what it has of native
        // memory is held by objects with finalizers of their own.
        internal void LeaveTensorsToTheirOwnFinalizers()
        {
            foreach (string name in new[] { "TorchSharp.torch/nn/Module", "TorchSharp.torch/optim/Optimizer" })
            {
                var type = _module.GetTypes().Single(type => type.FullName == name);
                type.Methods.Remove(type.Methods.Single(method => method.Name == "Finalize"));
            }
        }

        // So that the guard stands first among the libraries in which libtorch's own symbols are looked up.
        internal void LoadTheGuardFirst()
        {
            var method = Method("LoadNativeBackend");
            var names = method.Body.Instructions.Where(at => at.Operand is "torch_cuda" or "torch_cpu");
            foreach (var name in names.ToList())
            {
                // TryLoadNativeLibraryByName("torch_cpu", typeof(torch).Assembly, trace) is done for LibTorchSharp,
                // then for itself.
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

        // CopyNativeComponentsIntoSingleDirectory becomes NativeLibrary.Load("LibTorchSharp", typeof(torch).Assembly,
        // null), which throws the loader's own reason.
        internal void NeverCopyThePackages()
        {
            var attempt = Called(Method("TryLoadNativeLibraryByName"), "TryLoad");
            var load = new MethodReference("Load", _module.TypeSystem.IntPtr, attempt.DeclaringType);
            attempt.Parameters.Take(3).ToList().ForEach(load.Parameters.Add);
            var backend = Method("LoadNativeBackend");
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
            il.Emit(OpCodes.Call, Called(backend, "GetTypeFromHandle"));
            il.Emit(OpCodes.Callvirt, Called(backend, "get_Assembly"));
            il.Emit(OpCodes.Ldloc, anywhere);
            il.Emit(OpCodes.Call, load);
            il.Emit(OpCodes.Pop);
            il.Emit(OpCodes.Ldc_I4_0);
            il.Emit(OpCodes.Ret);
        }

        // [assembly: AssemblyMetadata("Woven", "...")], for whoever asks.
        internal void Sign()
        {
            var text = _module.TypeSystem.String;
            var type = Core("System.Reflection", "AssemblyMetadataAttribute");
            var constructor = new MethodReference(".ctor", _module.TypeSystem.Void, type)
            {
                HasThis = true,
                Parameters = { new ParameterDefinition(text), new ParameterDefinition(text) },
            };
            var mark = new CustomAttribute(constructor)
            {
                ConstructorArguments =
                {
                    new CustomAttributeArgument(text, "Woven"),
                    new CustomAttributeArgument(text, Counts),
                },
            };
            _module.Assembly.CustomAttributes.Add(mark);
        }

        private TypeReference Core(string space, string name)
        {
            var runtime = _module.AssemblyReferences.First(reference => reference.Name == "System.Runtime");
            return new TypeReference(space, name, _module, runtime);
        }

        private MethodDefinition Method(string name) => _torch.Methods.Single(method => method.Name == name);

        private static MethodReference Called(MethodDefinition method, string name) =>
            (MethodReference)method.Body.Instructions.First(Calls(name)).Operand!;

        private static bool IsNativeCall(Instruction at) =>
            at.OpCode == OpCodes.Call && at.Operand is MethodReference { DeclaringType.Name: "NativeMethods" };

        private static Func<Instruction, bool> Calls(string name) =>
            at =>
                (at.OpCode == OpCodes.Call || at.OpCode == OpCodes.Callvirt)
                && at.Operand is MethodReference called
                && called.Name == name;

        // An exception where an object is given back would end the process on the finalizer's thread.
        private static bool GivesBack(MethodReference method) =>
            method.Name is "Finalize" or "ReleaseHandle"
            || method.Name.IndexOf("dispose", StringComparison.OrdinalIgnoreCase) >= 0;

        // The look itself; what torch's own static constructor calls, which must not fail of an error before it; a
        // checksum, which cannot fail.
        private static bool MayNotAsk(MethodReference native) =>
            native.Name is "THSTorch_get_and_reset_last_err" or "THSTorchCuda_is_available" or "crc32c_append"
            || GivesBack(native);

        private static bool IsReference(TypeReference type) =>
            !type.IsValueType
            && !type.IsByReference
            && !type.IsPointer
            && !type.IsPinned
            && !type.IsFunctionPointer
            && !type.IsGenericParameter
            && type.MetadataType is not (MetadataType.String or MetadataType.IntPtr or MetadataType.UIntPtr);

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
