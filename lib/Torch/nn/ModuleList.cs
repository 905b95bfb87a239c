using System.Collections;

namespace TorchSharp.Modules;

/// <summary>Modules in a list, registered under "0", "1", and so on as they are added.</summary>
/// <typeparam name="T">the type of the modules.</typeparam>
public class ModuleList<T> : torch.nn.Module, IReadOnlyList<T> where T : torch.nn.Module
{
    private readonly List<T> _list = [];

    /// <summary>Makes a list of the given modules.</summary>
    /// <param name="modules">the first elements; none for an empty list.</param>
    public ModuleList(params T[] modules) : base(nameof(ModuleList<>)) => extend(modules);

    /// <summary>The number of modules.</summary>
    public int Count => _list.Count;

    /// <summary>The module at a position.</summary>
    /// <param name="index">0 to <see cref="Count"/> - 1.</param>
    public T this[int index] => _list[index];

    /// <summary>Adds a module at the end.</summary>
    /// <param name="item">the module.</param>
    public void Add(T item)
    {
        register_module(_list.Count.ToString(), item);
        _list.Add(item);
    }

    /// <summary>Adds modules at the end.</summary>
    /// <param name="modules">the modules, in order.</param>
    public void append(params T[] modules) => extend(modules);

    /// <summary>Adds modules at the end.</summary>
    /// <param name="modules">the modules, in order.</param>
    public void extend(IEnumerable<T> modules)
    {
        foreach (var module in modules) Add(module);
    }

    /// <summary>The modules, in order.</summary>
    public IEnumerator<T> GetEnumerator() => _list.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>Nothing is left to register: the elements are, as they are added.</summary>
    protected override void RegisterComponents() { }
}
