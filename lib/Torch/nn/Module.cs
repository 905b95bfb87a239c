using System.Collections.Concurrent;
using System.Reflection;
using TorchSharp.Modules;
using TorchSharp.Utils;

namespace TorchSharp;

public static partial class torch
{
    public static partial class nn
    {
        /// <summary>
        /// A node of a network: named parameters, buffers and child modules. Derive from <see cref="Module{T, TResult}"/>,
        /// keep components in fields, and end the constructor with <see cref="RegisterComponents"/>.
        /// </summary>
        /// <remarks>
        /// A component's name is its field's name (or its <see cref="ComponentNameAttribute"/>), so that
        /// <see cref="state_dict"/> has the keys of the same network in PyTorch. Registered tensors leave their
        /// <see cref="DisposeScope"/>: they live until the module is disposed.
        /// </remarks>
        public class Module : IDisposable
        {
            private static readonly Op SetData = "aten::set_data";
            private static readonly Op To = "aten::to.dtype_layout";
            private static readonly ConcurrentDictionary<Type, FieldInfo[]> FieldsOf = new();

            private readonly OrderedDictionary<string, Parameter> _parameters = [];
            private readonly OrderedDictionary<string, (Tensor tensor, bool persistent)> _buffers = [];
            private readonly OrderedDictionary<string, Module> _children = [];
            private readonly string _name;
            private bool _componentsRegistered;

            /// <summary>Names the module.</summary>
            /// <param name="name">the name that <see cref="GetName"/> returns and errors mention.</param>
            protected Module(string name) => _name = name;

            /// <summary>The name given to the constructor.</summary>
            public virtual string GetName() => _name;

            /// <summary>True in training mode (the default), false in evaluation mode.</summary>
            public virtual bool training { get; private set; } = true;

            /// <summary>Puts this module and all below it into training mode, or out of it.</summary>
            /// <param name="train">true for training, false for evaluation.</param>
            public virtual void train(bool train = true)
            {
                training = train;
                foreach (var child in _children.Values) child.train(train);
            }

            /// <summary>Puts this module and all below it into evaluation mode: no dropout, running statistics in batch norms.</summary>
            public virtual void eval() => train(false);

            // ---- registration ----------------------------------------------------------------------------------

            /// <summary>
            /// Registers every field of this object that holds a <see cref="Module"/>, a <see cref="Parameter"/> or a
            /// tensor (a persistent buffer), in the order of declaration, a derived class before its base. Null fields and names already
            /// registered are passed over; a second call does nothing.
            /// </summary>
            /// <exception cref="InvalidOperationException">a component sits in an auto-property, whose field name is not the property's.</exception>
            protected virtual void RegisterComponents()
            {
                if (_componentsRegistered) return;
                _componentsRegistered = true;
                foreach (var field in FieldsOf.GetOrAdd(GetType(), static type => ComponentFields(type)))
                {
                    if (field.GetValue(this) is not { } value || value is not (Module or Tensor)) continue;
                    string name = field.GetCustomAttribute<ComponentNameAttribute>()?.Name ?? field.Name;
                    if (name.StartsWith('<'))
                        throw new InvalidOperationException($"{_name} keeps a component in the auto-property behind the field \"{name}\", which would become its key in state_dict; use a plain field, or [field: ComponentName(Name = \"{name[1..name.IndexOf('>')]}\")].");
                    if (_children.ContainsKey(name) || _parameters.ContainsKey(name) || _buffers.ContainsKey(name)) continue;
                    if (value is Module module) register_module(name, module);
                    else if (value is Parameter parameter) register_parameter(name, parameter);
                    else register_buffer(name, (Tensor)value);
                }
            }

            private static FieldInfo[] ComponentFields(Type type)
            {
                var fields = new List<FieldInfo>();
                for (var level = type; level != typeof(Module); level = level.BaseType!)
                    fields.AddRange(level.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly)
                        .Where(field => !field.FieldType.IsValueType)
                        .OrderBy(field => field.MetadataToken));
                return [.. fields];
            }

            /// <summary>Adds a tensor that is part of the state but is not learned, such as running statistics.</summary>
            /// <param name="name">its key, unique within this module.</param>
            /// <param name="tensor">the buffer; it leaves its dispose scope.</param>
            /// <param name="persistent">whether <see cref="state_dict"/> holds it.</param>
            /// <exception cref="ArgumentException">the name is empty or holds a dot.</exception>
            /// <exception cref="InvalidOperationException">the name is taken.</exception>
            public virtual void register_buffer(string name, Tensor tensor, bool persistent = true)
            {
                CheckName(name, "buffer");
                ArgumentNullException.ThrowIfNull(tensor);
                tensor.DetachFromDisposeScope();
                _buffers.Add(name, (tensor, persistent));
            }

            /// <summary>Adds a learned tensor.</summary>
            /// <param name="name">its key, unique within this module.</param>
            /// <param name="param">the parameter; it leaves its dispose scope.</param>
            /// <exception cref="ArgumentException">the name is empty or holds a dot.</exception>
            /// <exception cref="InvalidOperationException">the name is taken.</exception>
            public virtual void register_parameter(string name, Parameter param)
            {
                CheckName(name, "parameter");
                ArgumentNullException.ThrowIfNull(param);
                param.DetachFromDisposeScope();
                _parameters.Add(name, param);
            }

            /// <summary>Adds a child module, whose keys then begin with <paramref name="name"/> and a dot.</summary>
            /// <param name="name">unique within this module.</param>
            /// <param name="submodule">the child; its own components are registered too.</param>
            /// <exception cref="ArgumentException">the name is empty or holds a dot.</exception>
            /// <exception cref="InvalidOperationException">the name is taken.</exception>
            public virtual void register_module(string name, Module submodule)
            {
                CheckName(name, "child module");
                ArgumentNullException.ThrowIfNull(submodule);
                submodule.RegisterComponents();
                _children.Add(name, submodule);
            }

            private void CheckName(string name, string kind)
            {
                if (string.IsNullOrEmpty(name) || name.Contains('.'))
                    throw new ArgumentException($"{_name} cannot register a {kind} named \"{name}\"; a name is not empty and holds no dot, since dots join the levels of a key.", nameof(name));
                if (_parameters.ContainsKey(name) || _buffers.ContainsKey(name) || _children.ContainsKey(name))
                    throw new InvalidOperationException($"{_name} already has a component named \"{name}\"; give the {kind} another name.");
            }

            // ---- what it holds ---------------------------------------------------------------------------------

            /// <summary>The parameters with their keys, in the order of registration, a module's own before its children's; a shared parameter once.</summary>
            /// <param name="recurse">false for this module's own only.</param>
            public virtual IEnumerable<(string name, Parameter parameter)> named_parameters(bool recurse = true)
            {
                var seen = new HashSet<Parameter>(ReferenceEqualityComparer.Instance);
                foreach (var (prefix, module) in Levels(recurse))
                    foreach (var (name, parameter) in module._parameters)
                        if (seen.Add(parameter)) yield return (prefix + name, parameter);
            }

            /// <summary>The parameters, in the order of <see cref="named_parameters"/>.</summary>
            /// <param name="recurse">false for this module's own only.</param>
            public virtual IEnumerable<Parameter> parameters(bool recurse = true) => named_parameters(recurse).Select(entry => entry.parameter);

            /// <summary>The buffers with their keys, in the order of registration; a shared buffer once.</summary>
            /// <param name="recurse">false for this module's own only.</param>
            /// <param name="include_nonpersistent">false to leave out those that <see cref="state_dict"/> leaves out.</param>
            public virtual IEnumerable<(string name, Tensor buffer)> named_buffers(bool recurse = true, bool include_nonpersistent = true)
            {
                var seen = new HashSet<Tensor>(ReferenceEqualityComparer.Instance);
                foreach (var (prefix, module) in Levels(recurse))
                    foreach (var (name, (tensor, persistent)) in module._buffers)
                        if ((persistent || include_nonpersistent) && seen.Add(tensor)) yield return (prefix + name, tensor);
            }

            /// <summary>The buffers, in the order of <see cref="named_buffers"/>.</summary>
            /// <param name="recurse">false for this module's own only.</param>
            /// <param name="include_nonpersistent">false to leave out those that <see cref="state_dict"/> leaves out.</param>
            public virtual IEnumerable<Tensor> buffers(bool recurse = true, bool include_nonpersistent = true) => named_buffers(recurse, include_nonpersistent).Select(entry => entry.buffer);

            /// <summary>The modules one level below, with their names.</summary>
            public virtual IEnumerable<(string name, Module module)> named_children() => _children.Select(child => (child.Key, child.Value));

            /// <summary>The modules one level below.</summary>
            public virtual IEnumerable<Module> children() => _children.Values;

            /// <summary>All modules below this one with their dotted names; this one itself is not listed.</summary>
            public virtual IEnumerable<(string name, Module module)> named_modules() => Levels(recurse: true).Skip(1).Select(level => (level.prefix[..^1], level.module));

            /// <summary>All modules below this one, in the order of <see cref="named_modules"/>.</summary>
            public virtual IEnumerable<Module> modules() => named_modules().Select(entry => entry.module);

            // This module under "", then everything below it depth first, under "child.grandchild.".
            private IEnumerable<(string prefix, Module module)> Levels(bool recurse, string prefix = "")
            {
                yield return (prefix, this);
                if (!recurse) yield break;
                foreach (var (name, child) in _children)
                    foreach (var level in child.Levels(true, prefix + name + "."))
                        yield return level;
            }

            // ---- state -----------------------------------------------------------------------------------------

            /// <summary>
            /// The parameters and persistent buffers by key: the live tensors, not copies. A tensor shared by two modules is
            /// listed under both keys, as in PyTorch.
            /// </summary>
            /// <param name="destination">a dictionary to add to; a new one where null.</param>
            /// <param name="prefix">put before every key, with a dot; none where null or empty.</param>
            public virtual Dictionary<string, Tensor> state_dict(Dictionary<string, Tensor>? destination = null, string? prefix = null)
            {
                destination ??= [];
                foreach (var (path, module) in Levels(recurse: true, string.IsNullOrEmpty(prefix) ? "" : prefix + "."))
                {
                    foreach (var (name, parameter) in module._parameters) destination[path + name] = parameter;
                    foreach (var (name, (tensor, persistent)) in module._buffers)
                        if (persistent) destination[path + name] = tensor;
                }
                return destination;
            }

            /// <summary>
            /// Copies the values of <paramref name="source"/> into the parameters and buffers of the same keys, converting
            /// type and device. Everything is checked first: on an error nothing has changed.
            /// </summary>
            /// <param name="source">tensors by key, such as another module's <see cref="state_dict"/>.</param>
            /// <param name="strict">whether both sides must hold exactly the same keys.</param>
            /// <param name="skip">keys to leave alone on both sides.</param>
            /// <returns>the keys that <paramref name="source"/> lacks and those it has too many, both empty if strict.</returns>
            /// <exception cref="InvalidOperationException">keys are missing or unexpected (if strict), or shapes differ (always); the message lists them.</exception>
            public virtual (IList<string> missing_keys, IList<string> unexpected_keyes) load_state_dict(Dictionary<string, Tensor> source, bool strict = true, IList<string>? skip = null)
            {
                var left = new HashSet<string>(skip ?? []);
                var target = state_dict();
                var missing = target.Keys.Where(key => !left.Contains(key) && !source.ContainsKey(key)).ToList();
                var unexpected = source.Keys.Where(key => !left.Contains(key) && !target.ContainsKey(key)).ToList();
                var common = target.Keys.Where(key => !left.Contains(key) && source.ContainsKey(key)).ToList();
                var misshapen = common.Where(key => !target[key].shape.AsSpan().SequenceEqual(source[key].shape))
                    .Select(key => $"{key} is [{string.Join(", ", target[key].shape)}] here and [{string.Join(", ", source[key].shape)}] in the state").ToList();

                if (misshapen.Count > 0 || (strict && missing.Count + unexpected.Count > 0))
                    throw new InvalidOperationException(
                        $"The state does not fit {_name}, and nothing was loaded." +
                        Sentence("Missing from the state", missing) + Sentence("Unexpected in the state", unexpected) + Sentence("Of another shape", misshapen) +
                        (misshapen.Count > 0 ? " Build the model that the state was saved from, or name these keys in skip to keep the values that are here." : " Pass strict: false to load the keys that both sides have."));

                using (no_grad())
                    foreach (var key in common) target[key].copy_(source[key]);
                return (missing, unexpected);
            }

            private static string Sentence(string what, List<string> entries)
            {
                const int shown = 10;
                if (entries.Count == 0) return "";
                string more = entries.Count > shown ? $", and {entries.Count - shown} more" : "";
                return $" {what} ({entries.Count}): {string.Join(", ", entries.Take(shown))}{more}.";
            }

            // ---- doing something to all of it ------------------------------------------------------------------

            /// <summary>Calls a function on every module below, then on this one; for example to initialise weights.</summary>
            /// <param name="fn">what to call.</param>
            /// <returns>this module.</returns>
            public virtual Module apply(Action<Module> fn)
            {
                foreach (var child in _children.Values) child.apply(fn);
                fn(this);
                return this;
            }

            /// <summary>Forgets the gradients of all parameters.</summary>
            /// <param name="set_to_none">true to drop them, false to fill them with zeros.</param>
            public virtual void zero_grad(bool set_to_none = true)
            {
                foreach (var parameter in parameters())
                {
                    if (set_to_none) parameter.grad = null;
                    else if (parameter.grad is { } grad) using (grad) grad.zero_();
                }
            }

            /// <summary>
            /// Moves and converts every parameter, gradient and buffer in place: the objects stay the same, so an optimizer
            /// made before still holds them. Integer tensors keep their type.
            /// </summary>
            internal Module MoveTo(Device? device, ScalarType? dtype, bool nonBlocking)
            {
                if (dtype is { } type && type is not (ScalarType.Float16 or ScalarType.BFloat16 or ScalarType.Float32 or ScalarType.Float64))
                    throw new ArgumentException($"{_name} cannot be converted to {type}; a module's type is Float32, Float64, Float16 or BFloat16.", nameof(dtype));
                using var _ = no_grad();
                foreach (var parameter in parameters())
                {
                    Replace(parameter);
                    if (parameter.grad is { } grad) using (grad) Replace(grad);
                }
                foreach (var buffer in buffers()) Replace(buffer);
                return this;

                void Replace(Tensor tensor)
                {
                    using var moved = To.Call(tensor, tensor.is_floating_point() ? dtype : null, Arg.None, device, Arg.None, nonBlocking);
                    SetData.Invoke(tensor, moved);
                }
            }

            /// <summary>Disposes all parameters, buffers and child modules.</summary>
            public void Dispose()
            {
                Dispose(true);
                GC.SuppressFinalize(this);
            }

            /// <summary>Disposes all parameters, buffers and child modules; override to dispose more.</summary>
            /// <param name="disposing">true from <see cref="Dispose()"/>.</param>
            protected virtual void Dispose(bool disposing)
            {
                if (!disposing) return;
                foreach (var parameter in _parameters.Values) parameter.Dispose();
                foreach (var (tensor, _) in _buffers.Values) tensor.Dispose();
                foreach (var child in _children.Values) child.Dispose();
            }
        }
    }
}
