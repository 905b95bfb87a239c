using PatchKit.Torch;
using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <content>The fused form: chunk by chunk in one pass, with the states at the chunks' beginnings kept for
/// backward.</content>
public static partial class SsdScan
{
    /// <summary>
    /// libpatchkit's form: x, B, C and z are float32, float64 or bfloat16 alike; on a GPU libpatchkit_cuda's: float32,
    /// bfloat16 or float16. Arithmetic and states are float32 at least. D may also be (h, p), and chunkSize is the
    /// number of tokens handled as one dense block (on a GPU it is 64).
    /// </summary>
    /// <inheritdoc cref="Scan"/>
    internal static (Tensor Y, Tensor FinalState) Fused(
        Tensor x,
        Tensor dt,
        Tensor A,
        Tensor B,
        Tensor C,
        Tensor? D = null,
        Tensor? z = null,
        Tensor? dtBias = null,
        bool dtSoftplus = false,
        Tensor? initialState = null,
        int chunkSize = ChunkSize
    )
    {
        CheckOperands(
            new(x),
            new(dt),
            new(A),
            new(B),
            new(C),
            new(D),
            new(z),
            new(dtBias),
            new(initialState),
            chunkSize
        );
        var target = KernelTarget.Of(new(x));
        Tensor?[] operands = [x, dt, A, B, C, D, z, dtBias, initialState];
        bool keep = is_grad_enabled();
        var results = AutogradNode.Run(
            "patchkit::ssd_scan",
            operands,
            () => Forward(target, operands, dtSoftplus, chunkSize, keep),
            (saved, gradients) => Backward(target, saved, gradients, dtSoftplus, chunkSize)
        );
        return (results[0], results[1]);
    }

    private static (Tensor[] Outputs, Tensor?[] Saved) Forward(
        KernelTarget target,
        Tensor?[] operands,
        bool softplus,
        int chunkSize,
        bool keep
    )
    {
        var call = new FusedCall(operands, softplus, chunkSize);
        var (y, finalState) = (target.Empty(call.X.Shape, call.X.Type), target.Empty(call.StateShape, call.Arithmetic));
        if (call.X.Count == 0)
        {
            if (call.InitialState.Present)
                finalState.copy_(call.InitialState.Tensor!);
            else
                finalState.zero_();
            return ([y, finalState], [target.Empty([0], call.Arithmetic), .. operands]);
        }
        // The GPU's forward works in them.
        var states =
            keep || target.Cuda is not null ? target.Empty([call.Native.StatesSize(target)], call.Arithmetic) : null;
        call.Native.Y = new Operand(y).View3;
        call.Native.FinalState = new Operand(finalState).Data;
        call.Native.ChunkStates = new Operand(states).Data;
        call.Native.Forward(target, call.X.Tensor!);
        return ([y, finalState], [states, .. operands]);
    }

    private static Tensor?[] Backward(
        KernelTarget target,
        Tensor?[] saved,
        Tensor?[] gradients,
        bool softplus,
        int chunkSize
    )
    {
        if (gradients[0] is null && gradients[1] is null)
            return new Tensor?[9];
        Tensor?[] operands = saved[1..];
        var call = new FusedCall(operands, softplus, chunkSize);
        var (X, arithmetic) = (call.X, call.Arithmetic);
        var gradY = Operand.Rows(gradients[0]?.to_type(X.Type) ?? zeros(X.Shape, X.Type, target.Device));
        var gradFinalState = Operand.Contiguous(gradients[1], arithmetic);

        Tensor? Like(Operand operand) => operand.Present ? target.Empty(operand.Shape, arithmetic) : null;
        var (gradX, gradZ) = (target.Empty(X.Shape, X.Type), call.Z.Present ? target.Empty(X.Shape, X.Type) : null);
        var (gradDt, gradA, gradB, gradC, gradInitial) = (
            Like(call.Dt)!,
            Like(call.A),
            Like(call.B),
            Like(call.C),
            Like(call.InitialState)
        );
        var gradD = call.D.Present ? target.Empty([X.Size(2), X.Size(3)], arithmetic) : null; // (h, p)
        if (X.Count == 0)
        {
            foreach (var gradient in new[] { gradDt, gradA, gradB, gradC, gradD, gradInitial })
                gradient?.zero_();
            if (gradInitial is not null && gradFinalState.Present)
                gradInitial.copy_(gradFinalState.Tensor!);
        }
        else
        {
            ref var native = ref call.Native;
            (native.GradY, native.GradFinalState, native.ChunkStates) = (
                gradY.View3,
                gradFinalState.Data,
                new Operand(saved[0]).Data
            );
            (native.GradX, native.GradZ, native.GradDt) = (
                new Operand(gradX).View3,
                new Operand(gradZ).View3,
                new Operand(gradDt).Data
            );
            (native.GradA, native.GradB, native.GradC) = (
                new Operand(gradA).Data,
                new Operand(gradB).Data,
                new Operand(gradC).Data
            );
            (native.GradD, native.GradInitialState) = (new Operand(gradD).Data, new Operand(gradInitial).Data);
            native.Backward(target, X.Tensor!);
        }
        if (call.D is { Present: true, Dimensions: 1 })
            gradD = gradD!.sum(1);
        var gradBias = call.DtBias.Present ? gradDt.sum([0L, 1L]) : null;
        Tensor?[] results = [gradX, gradDt, gradA, gradB, gradC, gradD, gradZ, gradBias, gradInitial];
        for (int i = 0; i < results.Length; i++)
            if (results[i] is { } result && operands[i] is { } operand && result.dtype != operand.dtype)
                results[i] = result.to_type(operand.dtype);
        return results;
    }

    /// <summary>Whether the fused form has room for the sizes: a GPU's shared memory ends somewhere.</summary>
    private static bool Fits(Tensor x, Tensor B)
    {
        var (X, w) = (new Operand(x), new Operand(B));
        return KernelTarget.Of(X).Cuda is not { } cuda
            || X.Dimensions != 4
            || w.Dimensions != 4
            || new SsdScanCall
            {
                HeadDim = X.Size(3),
                StateDim = w.Size(3),
                Type = (int)X.Type,
            }.Fits(cuda);
    }

    /// <summary>
    /// A call's operands: the long tensors stay strided as they are, and only the small ones are brought to the
    /// arithmetic's type.
    /// </summary>
    private ref struct FusedCall
    {
        internal readonly Operand X,
            Dt,
            A,
            B,
            C,
            D,
            Z,
            DtBias,
            InitialState;
        internal readonly ScalarType Arithmetic;
        internal SsdScanCall Native;

        internal FusedCall(Tensor?[] operands, bool softplus, int chunkSize)
        {
            X = Operand.Rows(operands[0]);
            Arithmetic = X.Type == ScalarType.Float64 ? ScalarType.Float64 : ScalarType.Float32;
            Dt = new Operand(operands[1]);
            if (Dt.Type != Arithmetic)
                Dt = new Operand(operands[1]!.to_type(Arithmetic));
            (B, C, Z) = (Operand.Rows(operands[3]), Operand.Rows(operands[4]), Operand.Rows(operands[6]));
            (A, D) = (Operand.Contiguous(operands[2], Arithmetic), Operand.Contiguous(operands[5], Arithmetic));
            (DtBias, InitialState) = (
                Operand.Contiguous(operands[7], Arithmetic),
                Operand.Contiguous(operands[8], Arithmetic)
            );
            Native = new SsdScanCall
            {
                Batch = X.Size(0),
                Length = X.Size(1),
                Heads = X.Size(2),
                Groups = B.Size(2),
                HeadDim = X.Size(3),
                StateDim = B.Size(3),
                Chunk = chunkSize,
                DPerFeature = D.Dimensions == 2 ? 1 : 0,
                DtSoftplus = softplus ? 1 : 0,
                Type = (int)X.Type,
                Threads = get_num_threads(),
                X = X.View3,
                Dt = Dt.View3,
                B = B.View3,
                C = C.View3,
                Z = Z.View3,
                A = A.Data,
                D = D.Data,
                DtBias = DtBias.Data,
                InitialState = InitialState.Data,
            };
        }

        internal readonly long[] StateShape => [X.Size(0), X.Size(2), X.Size(3), B.Size(3)];
    }

    private static void CheckOperands(
        in Operand x,
        in Operand dt,
        in Operand A,
        in Operand B,
        in Operand C,
        in Operand D,
        in Operand z,
        in Operand dtBias,
        in Operand initialState,
        int chunkSize
    )
    {
        if (x.Dimensions != 4)
            throw new ArgumentException(
                $"patchkit::ssd_scan: x has {x.Dimensions} dimensions {x} but 4 = (batch, length, heads, "
                    + "head_dim) are needed; reshape x."
            );
        if (B.Dimensions != 4)
            throw new ArgumentException(
                $"patchkit::ssd_scan: B has {B.Dimensions} dimensions {B} but 4 = (batch, length, groups, "
                    + "state_dim) are needed; reshape B."
            );
        bool onGpu = KernelTarget.Of(x).Cuda is not null;
        if (
            !(
                x.Type is ScalarType.Float32 or ScalarType.BFloat16
                || x.Type == (onGpu ? ScalarType.Float16 : ScalarType.Float64)
            )
        )
            throw new ArgumentException(
                $"patchkit::ssd_scan: x is {x.Type} but Float32, {(onGpu ? "Float16" : "Float64")} and "
                    + "BFloat16 are supported; convert x, B and C to one of these."
            );
        if (chunkSize <= 0)
            throw new ArgumentException(
                $"patchkit::ssd_scan: chunk_size is {chunkSize} but at least 1 is needed; 64 is the fast choice."
            );
        long batch = x.Size(0),
            length = x.Size(1),
            heads = x.Size(2),
            headDim = x.Size(3),
            groups = B.Size(2),
            stateDim = B.Size(3);
        if (groups == 0 || heads % groups != 0)
            throw new ArgumentException(
                $"patchkit::ssd_scan: x has {heads} heads but B has {groups} groups; the heads must be a "
                    + "multiple of the groups."
            );
        if (stateDim == 0)
            throw new ArgumentException(
                $"patchkit::ssd_scan: B has state_dim 0 in shape {B} but at least 1 is needed; give the "
                    + "state a dimension."
            );
        CheckOperand("B", B, x, [batch, length, groups, stateDim], "(batch, length, groups, state_dim)");
        CheckOperand("C", C, x, [batch, length, groups, stateDim], "(batch, length, groups, state_dim)");
        CheckOperand("dt", dt, x, [batch, length, heads], "(batch, length, heads)");
        CheckOperand("A", A, x, [heads], "(heads)");
        if (D.Present && D.Dimensions == 2)
            CheckOperand("D", D, x, [heads, headDim], "(heads, head_dim)");
        else if (D.Present)
            CheckOperand("D", D, x, [heads], "(heads) or (heads, head_dim)");
        if (z.Present)
            CheckOperand("z", z, x, x.Shape, "(batch, length, heads, head_dim)");
        if (dtBias.Present)
            CheckOperand("dt_bias", dtBias, x, [heads], "(heads)");
        if (initialState.Present)
            CheckOperand(
                "initial_state",
                initialState,
                x,
                [batch, heads, headDim, stateDim],
                "(batch, heads, head_dim, state_dim)"
            );
        CheckType("B", B, x);
        CheckType("C", C, x);
        if (z.Present)
            CheckType("z", z, x);
    }

    private static void CheckOperand(
        string name,
        in Operand operand,
        in Operand x,
        ReadOnlySpan<long> expected,
        string meaning
    )
    {
        if (!operand.Shape.SequenceEqual(expected))
            throw new ArgumentException(
                $"patchkit::ssd_scan: {name} has shape {operand} but x asks for {Operand.Text(expected)} "
                    + $"= {meaning}; reshape {name} or check that it belongs to this x."
            );
        if (!operand.IsOnDeviceOf(x))
            throw new ArgumentException(
                $"patchkit::ssd_scan: {name} is on {operand.Tensor!.device} but x is on {x.Tensor!.device}; "
                    + $"move {name} to {x.Tensor.device}."
            );
        if (!operand.IsFloating)
            throw new ArgumentException(
                $"patchkit::ssd_scan: {name} is {operand.Type} but a floating dtype is needed; convert it to float32."
            );
    }

    private static void CheckType(string name, in Operand operand, in Operand x)
    {
        if (operand.Type != x.Type)
            throw new ArgumentException(
                $"patchkit::ssd_scan: {name} is {operand.Type} but x is {x.Type}; convert one of them so "
                    + "that both match."
            );
    }
}
