using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit;

/// <content>Gradient checkpointing.</content>
public static unsafe partial class Engine
{
    /// <summary>
    /// Runs a block without keeping what its backward pass needs; the backward pass computes the block again, with the same random numbers
    /// and under the same autocast.
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
        private readonly AutocastState[] _autocast = Autocasts(input.device);

        internal Tensor Forward()
        {
            using var scope = NewDisposeScope();
            using var recording = no_grad();
            // A weight's cast made here knows no graph; kept for the weight's next use, it would keep the gradient from the weight.
            int cache = Native.pk_set_autocast_cache(0);
            try
            {
                return block(_input.alias()).MoveToOuterDisposeScope();
            }
            catch
            {
                Dispose();
                throw;
            }
            finally
            {
                Native.pk_set_autocast_cache(cache);
            }
        }

        internal nint Backward(Tensor gradient)
        {
            using var scope = NewDisposeScope();
            using var recording = enable_grad();
            var again = _input.detach().requires_grad_();
            Again(again).backward([gradient]);
            return again.grad!.MoveHandle().Handle;
        }

        private Tensor Again(Tensor input)
        {
            var random = RandomState(input.device);
            var autocast = Autocasts(input.device);
            SetRandomState(input.device, _random);
            SetAutocasts(_autocast);
            try
            {
                return block(input);
            }
            finally
            {
                SetAutocasts(autocast);
                SetRandomState(input.device, random);
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

        // A block on a GPU may also compute on the CPU.
        private static AutocastState[] Autocasts(Device device) => [AutocastState.Of(DeviceType.CPU), AutocastState.Of(device.type)];

        // Casts of weights are made anew on both sides of the change: with no scope around the backward pass nothing else
        // would drop the block's, which are stale once the optimizer has stepped.
        private static void SetAutocasts(AutocastState[] states)
        {
            foreach (var state in states) state.Set();
            Native.pk_clear_autocast_cache();
        }
    }
}
