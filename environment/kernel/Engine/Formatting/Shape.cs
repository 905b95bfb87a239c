using System.Collections;
using System.Reflection;
using System.Runtime.CompilerServices;

namespace CsNotebook.Engine.Formatting;

/// <summary>How values are laid out: what is one word, what is a list, what has columns.</summary>
internal static class Shape
{
    /// <summary>The most items of a sequence that are shown.</summary>
    public const int MaxItems = 50;

    /// <summary>Whether a value is shown as one word.</summary>
    public static bool IsScalar(object? value) =>
        value
            is null
                or string
                or decimal
                or DateTime
                or DateTimeOffset
                or TimeSpan
                or DateOnly
                or TimeOnly
                or Guid
                or Uri
                or Version
                or Type
                or Enum
                or Delegate
                or Half
                or Int128
                or UInt128
                or System.Numerics.BigInteger
                or System.Numerics.Complex
                or Index
                or Range
        || value.GetType().IsPrimitive;

    /// <summary>Whether a type writes itself: its own <c>ToString</c>, or a record's.</summary>
    public static bool WritesItself(Type type) =>
        !IsAnonymous(type)
        && type.GetMethod(nameof(ToString), Type.EmptyTypes)?.DeclaringType is { } declares
        && declares != typeof(object)
        && declares != typeof(ValueType);

    /// <summary>Whether a type is that of <c>new { ... }</c>.</summary>
    public static bool IsAnonymous(Type type) => type.Name.StartsWith("<>f__AnonymousType", StringComparison.Ordinal);

    /// <summary>The first items of a sequence, and how many there are beyond: null if nobody knows.</summary>
    public static (IReadOnlyList<object?> Items, int? More) First(IEnumerable sequence)
    {
        var items = new List<object?>();
        bool cut = false;
        foreach (object? item in sequence)
        {
            if (items.Count == MaxItems)
            {
                cut = true;
                break;
            }
            items.Add(item);
        }
        int? total = sequence is ICollection collection ? collection.Count : null;
        return (items, cut ? total - items.Count : 0);
    }

    /// <summary>
    /// The columns of a value: its readable public properties and fields, in the order of declaration.
    /// </summary>
    public static IReadOnlyList<(string Name, Func<object, object?> Get)> Columns(Type type)
    {
        if (typeof(ITuple).IsAssignableFrom(type))
        {
            return
            [
                .. Enumerable
                    .Range(0, type.GetGenericArguments().Length)
                    .Select(i =>
                        ($"Item{i + 1}", (Func<object, object?>)(o => i < ((ITuple)o).Length ? ((ITuple)o)[i] : null))
                    ),
            ];
        }
        return
        [
            .. type.GetMembers(BindingFlags.Public | BindingFlags.Instance)
                .Where(m =>
                    m is FieldInfo or PropertyInfo { CanRead: true }
                    && !(m is PropertyInfo p && p.GetIndexParameters().Length > 0)
                )
                .Where(m =>
                    (m is PropertyInfo p ? p.PropertyType : ((FieldInfo)m).FieldType)
                        is { IsByRefLike: false, IsPointer: false, IsByRef: false }
                )
                .OrderBy(m => m.MetadataToken)
                .Select(m => (m.Name, Getter(m))),
        ];
    }

    /// <summary>How to say that a sequence goes on.</summary>
    public static string MoreText(int? more) => more is { } n ? $"({n} more)" : "(more)";

    private static Func<object, object?> Getter(MemberInfo member) =>
        owner =>
        {
            try
            {
                return member is PropertyInfo property ? property.GetValue(owner) : ((FieldInfo)member).GetValue(owner);
            }
            catch (TargetInvocationException e) when (e.InnerException is not null and not OperationCanceledException)
            {
                return e.InnerException;
            }
        };
}
