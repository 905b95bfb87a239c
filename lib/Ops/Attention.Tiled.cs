using PatchKit.Torch;
using PatchKit.Torch.Calls;
using static TorchSharp.torch;

namespace PatchKit.Ops;

/// <content>The fused form, tile by tile: softmax statistics run along, and backward computes the scores
/// again.</content>
public static partial class Attention
{
    /// <summary>libpatchkit's form, on the CPU.</summary>
    /// <param name="q">(B, H, L, D).</param>
    /// <param name="k">(B, H, keys, D).</param>
    /// <param name="v">(B, H, keys, D).</param>
    /// <param name="scale">1 / sqrt(D) where absent.</param>
    /// <param name="causal">whether query i sees keys 0 to i only.</param>
    /// <returns>(B, H, L, D), in memory (B, L, H, D): merging the heads costs nothing.</returns>
    internal static Tensor Tiled(Tensor q, Tensor k, Tensor v, double? scale = null, bool causal = false)
    {
        var (Q, K, V) = (new Operand(q), new Operand(k), new Operand(v));
        CheckOperands(Q, K, V);
        if (Q.Type is ScalarType.BFloat16 or ScalarType.Float16)
        {
            using var scope = NewDisposeScope();
            return Tiled(
                    q.to_type(ScalarType.Float32),
                    k.to_type(ScalarType.Float32),
                    v.to_type(ScalarType.Float32),
                    scale,
                    causal
                )
                .to_type(Q.Type)
                .MoveToOuterDisposeScope();
        }
        double factor = scale ?? 1 / Math.Sqrt(Q.Size(3));
        return AutogradNode.Run(
            "patchkit::attention",
            [q, k, v],
            () => Forward(q, k, v, factor, causal),
            (saved, gradients) => Backward(saved, gradients[0], factor, causal)
        )[0];
    }

    private static (Tensor[] Outputs, Tensor?[] Saved) Forward(Tensor q, Tensor k, Tensor v, double scale, bool causal)
    {
        var (Q, K, V) = (Operand.Rows(q), Operand.Rows(k), Operand.Rows(v));
        var output = EmptyHeads(Q);
        var logSumExp = empty(Q.Shape[..3], Q.Type); // (B, H, L)
        var call = Call(Q, K, V, scale, causal);
        call.Out = new Operand(output).View3;
        call.LogSumExp = new Operand(logSumExp).Data;
        call.Forward();
        return ([output], [q, k, v, output, logSumExp]);
    }

    private static Tensor?[] Backward(Tensor?[] saved, Tensor? gradient, double scale, bool causal)
    {
        if (gradient is null)
            return new Tensor?[3];
        var (Q, K, V) = (Operand.Rows(saved[0]), Operand.Rows(saved[1]), Operand.Rows(saved[2]));
        var (gradQ, gradK, gradV) = (EmptyHeads(Q), EmptyHeads(K), EmptyHeads(V));
        var call = Call(Q, K, V, scale, causal);
        call.Out = new Operand(saved[3]).View3;
        call.LogSumExp = new Operand(saved[4]).Data;
        call.GradOut = Operand.Rows(gradient).View3;
        (call.GradQ, call.GradK, call.GradV) = (
            new Operand(gradQ).View3,
            new Operand(gradK).View3,
            new Operand(gradV).View3
        );
        call.Backward();
        return [gradQ, gradK, gradV];
    }

    private static AttentionCall Call(in Operand q, in Operand k, in Operand v, double scale, bool causal) =>
        new()
        {
            Batch = q.Size(0),
            Heads = q.Size(1),
            Queries = q.Size(2),
            Keys = k.Size(2),
            Dim = q.Size(3),
            Scale = scale,
            Causal = causal ? 1 : 0,
            Type = (int)q.Type,
            Threads = get_num_threads(),
            Q = q.View3,
            K = k.View3,
            V = v.View3,
        };

    private static Tensor EmptyHeads(in Operand like) =>
        empty([like.Size(0), like.Size(2), like.Size(1), like.Size(3)], like.Type).transpose(1, 2);

    private static void CheckOperands(in Operand q, in Operand k, in Operand v)
    {
        CheckOperand("q", q);
        CheckOperand("k", k);
        CheckOperand("v", v);
        if (k.Type != q.Type || v.Type != q.Type)
            throw new ArgumentException(
                $"patchkit::attention: q is {q.Type}, k is {k.Type} and v is {v.Type}; convert them to one type."
            );
        if (!k.IsOnDeviceOf(q) || !v.IsOnDeviceOf(q))
            throw new ArgumentException(
                $"patchkit::attention: q is on {q.Tensor!.device}, k on {k.Tensor!.device} and v "
                    + $"on {v.Tensor!.device}; move them to one device."
            );
        if (!k.HasShapeOf(v))
            throw new ArgumentException(
                $"patchkit::attention: k is {k} and v is {v}, but every key needs one value of the same "
                    + "head dim; give them one shape."
            );
        if (q.Size(0) != k.Size(0) || q.Size(1) != k.Size(1) || q.Size(3) != k.Size(3))
            throw new ArgumentException(
                $"patchkit::attention: q is {q} and k is {k}, but they may differ in length (dimension 2) "
                    + "only; expand k and v to q's batch and heads."
            );
        if (k.Size(2) == 0 || k.Size(3) == 0)
            throw new ArgumentException(
                $"patchkit::attention: k is {k}, but a softmax needs at least one key and one channel; give "
                    + "it a length and a head dim of 1 or more."
            );
    }

    private static void CheckOperand(string name, in Operand operand)
    {
        if (operand.Dimensions != 4)
            throw new ArgumentException(
                $"patchkit::attention: {name} has {operand.Dimensions} dimensions, {operand}, but (batch, "
                    + "heads, length, head dim) are 4; unsqueeze the missing ones."
            );
        if (!operand.IsFloating)
            throw new ArgumentException(
                $"patchkit::attention: {name} is {operand.Type}, but a softmax needs a floating type; "
                    + "convert it to Float32, Float64 or BFloat16."
            );
    }
}
