using static TorchSharp.torch;

namespace TorchSharp.Modules;

/// <summary>Modules one after another, each fed the last one's output; registered under their names or "0", "1", and so on.</summary>
public class Sequential : nn.Module<Tensor, Tensor>
{
    private readonly List<nn.Module<Tensor, Tensor>> _steps = [];

    /// <summary>Chains modules under the names "0", "1", and so on.</summary>
    /// <param name="modules">the steps, in order; none for the identity.</param>
    protected internal Sequential(params nn.Module<Tensor, Tensor>[] modules) : base(nameof(Sequential))
    {
        foreach (var module in modules) append(module);
    }

    /// <summary>Chains named modules.</summary>
    /// <param name="modules">the steps with their names, in order.</param>
    protected internal Sequential(params (string name, nn.Module<Tensor, Tensor> submodule)[] modules) : base(nameof(Sequential))
    {
        foreach (var (name, module) in modules) append(name, module);
    }

    /// <summary>The number of steps.</summary>
    public int Count => _steps.Count;

    /// <summary>The step at a position.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public nn.Module<Tensor, Tensor> this[int index] => _steps[index];

    /// <summary>Adds a step at the end, named by its position.</summary>
    /// <param name="module">the step.</param>
    /// <returns>this module.</returns>
    public Sequential append(nn.Module<Tensor, Tensor> module) => append(_steps.Count.ToString(), module);

    /// <summary>Adds a named step at the end.</summary>
    /// <param name="name">its name, not yet taken.</param>
    /// <param name="module">the step.</param>
    /// <returns>this module.</returns>
    public Sequential append(string name, nn.Module<Tensor, Tensor> module)
    {
        register_module(name, module);
        _steps.Add(module);
        return this;
    }

    /// <summary>Runs the steps in order and disposes what lies between them.</summary>
    /// <param name="input">the first step's input; it is not disposed.</param>
    /// <returns>the last step's output, or a second handle to the input where there is no step.</returns>
    public override Tensor forward(Tensor input)
    {
        if (_steps.Count == 0) return input.alias();
        var current = input;
        foreach (var step in _steps)
        {
            var next = step.call(current);
            if (!ReferenceEquals(current, input) && !ReferenceEquals(current, next)) current.Dispose();
            current = next;
        }
        return current;
    }

    /// <summary>Nothing is left to register: the steps are, as they are added.</summary>
    protected override void RegisterComponents() { }
}
