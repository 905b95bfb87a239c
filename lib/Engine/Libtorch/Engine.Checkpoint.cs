using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit;

/// <content>Gradient checkpointing.</content>
public static unsafe partial class Engine
{
    /// <summary>
    /// Runs a block without keeping what its backward pass needs; the backward pass computes the block again, with the same random numbers.
    /// Memory falls to the block's input, time rises by a forward pass (Chen et al. 2016, arXiv 1604.06174).
    /// </summary>
    /// <param name="block">The block; its parameters' gradients are accumulated as usual.</param>
    /// <param name="input">Its input, which requires a gradient; where it does not, the block is simply run.</param>
    public static Tensor Checkpoint(Func<Tensor, Tensor> block, Tensor input)
    {
        if (!is_grad_enabled() || !input.requires_grad) return block(input);
        var run = new CheckpointedBlock(block, input);
        using var output = run.Forward();
        nint context = GCHandle.ToIntPtr(GCHandle.Alloc(run));
        nint joined = Native.pk_checkpoint(input.Handle, output.Handle, &Backward, &Release, context);
        GC.KeepAlive(input);
        GC.KeepAlive(output);
        return new Tensor(Native.Check(joined, "Checkpoint"));
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static nint Backward(nint context, nint gradient)
    {
        var run = (CheckpointedBlock)GCHandle.FromIntPtr(context).Target!;
        try
        {
            using var given = new Tensor(gradient);
            return run.Backward(given);
        }
        catch (Exception e)
        {
            // No exception crosses into libtorch; it is thrown again when the backward call has come back.
            Native.CallbackFailure = e;
            return 0;
        }
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Release(nint context)
    {
        var handle = GCHandle.FromIntPtr(context);
        ((CheckpointedBlock)handle.Target!).Dispose();
        handle.Free();
    }

    private sealed class CheckpointedBlock(Func<Tensor, Tensor> block, Tensor input) : IDisposable
    {
        private readonly Tensor _input = input.detach().DetachFromDisposeScope();
        private readonly Tensor _random = RandomState(input.device).DetachFromDisposeScope();

        internal Tensor Forward()
        {
            using var scope = NewDisposeScope();
            using var recording = no_grad();
            try
            {
                return block(_input.alias()).MoveToOuterDisposeScope();
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        internal nint Backward(Tensor gradient)
        {
            using var scope = NewDisposeScope();
            using var recording = enable_grad();
            var again = _input.detach().requires_grad_();
            Again(again).backward([gradient]);
            return again.grad!.DetachFromDisposeScope().MoveHandle().Handle;
        }

        private Tensor Again(Tensor input)
        {
            var now = RandomState(input.device);
            SetRandomState(input.device, _random);
            try
            {
                return block(input);
            }
            finally
            {
                SetRandomState(input.device, now);
            }
        }

        public void Dispose()
        {
            _input.Dispose();
            _random.Dispose();
        }

        private static Tensor RandomState(Device device)
        {
            using var generator = Generator.DefaultOf(device);
            return generator.get_state();
        }

        private static void SetRandomState(Device device, Tensor state)
        {
            using var generator = Generator.DefaultOf(device);
            generator.set_state(state);
        }
    }
}
