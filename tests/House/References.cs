using Mono.Cecil;
using Mono.Cecil.Cil;

namespace PatchKit.Tests.House;

/// <summary>
/// Which types of a compiled assembly use which others of it, read off its fields, signatures and code.
/// </summary>
internal static class References
{
    /// <summary>Each pair of two types of an assembly of which the first uses the second.</summary>
    /// <remarks>A nested type counts as its outermost one.</remarks>
    internal static IEnumerable<(TypeDefinition From, TypeDefinition To)> Of(ModuleDefinition module) =>
        (
            from type in module.GetTypes()
            from used in UsedBy(type).SelectMany(Parts)
            let definition = Own(used, module)
            where definition is not null && definition != Outermost(type)
            select (From: Outermost(type), To: definition)
        ).Distinct();

    private static IEnumerable<TypeReference?> UsedBy(TypeDefinition type) =>
        [
            type.BaseType,
            .. type.Interfaces.Select(one => one.InterfaceType),
            .. type.CustomAttributes.Select(attribute => attribute.AttributeType),
            .. type.Fields.Select(field => field.FieldType),
            .. type.GenericParameters.SelectMany(parameter => parameter.Constraints).Select(one => one.ConstraintType),
            .. type.Methods.SelectMany(UsedBy),
        ];

    private static IEnumerable<TypeReference?> UsedBy(MethodDefinition method)
    {
        yield return method.ReturnType;
        foreach (var parameter in method.Parameters)
            yield return parameter.ParameterType;
        if (!method.HasBody)
            yield break;
        foreach (var variable in method.Body.Variables)
            yield return variable.VariableType;
        foreach (var operand in method.Body.Instructions.Select(instruction => instruction.Operand))
        {
            if (operand is TypeReference type)
                yield return type;
            if (operand is not MemberReference member)
                continue;
            yield return member.DeclaringType;
            if (member is FieldReference field)
                yield return field.FieldType;
            if (member is MethodReference called)
                yield return called.ReturnType;
            if (member is GenericInstanceMethod generic)
                foreach (var argument in generic.GenericArguments)
                    yield return argument;
        }
    }

    // List<Tensor>[] is a list and a tensor.
    private static IEnumerable<TypeReference> Parts(TypeReference? type) =>
        type switch
        {
            null => [],
            GenericInstanceType generic => [generic.ElementType, .. generic.GenericArguments.SelectMany(Parts)],
            TypeSpecification made => Parts(made.ElementType),
            _ => [type],
        };

    private static TypeDefinition? Own(TypeReference type, ModuleDefinition module) =>
        type.IsGenericParameter || type.Scope != module ? null : Outermost(type.Resolve());

    private static TypeDefinition Outermost(TypeDefinition type) =>
        type.DeclaringType is { } outer ? Outermost(outer) : type;
}
