using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using static Microsoft.CodeAnalysis.CSharp.SyntaxFactory;

namespace CsNotebook.Engine;

/// <summary>
/// Makes a cell stoppable: puts <see cref="Stop.Check"/> into loop bodies, before <c>goto</c>, and into catch-alls, and
/// <see cref="Stop.Enter"/> or <see cref="Stop.Check"/> at the entry of functions. Calls that would end the process
/// lead to <see cref="CellExit"/>. Adds no line and moves no directive, so line numbers stay the author's.
/// </summary>
/// <param name="model">the cell's semantic model, asked only about lambdas of the form <c>x => expression</c> and
/// exits.</param>
internal sealed class StopRewriter(SemanticModel model) : CSharpSyntaxRewriter
{
    private static readonly StatementSyntax Check = Call(nameof(Stop.Check));
    private static readonly StatementSyntax Enter = Call(nameof(Stop.Enter));

    public override SyntaxNode? VisitWhileStatement(WhileStatementSyntax node)
    {
        node = (WhileStatementSyntax)base.VisitWhileStatement(node)!;
        return node.WithStatement(Checked(node.Statement));
    }

    public override SyntaxNode? VisitDoStatement(DoStatementSyntax node)
    {
        node = (DoStatementSyntax)base.VisitDoStatement(node)!;
        return node.WithStatement(Checked(node.Statement));
    }

    public override SyntaxNode? VisitForStatement(ForStatementSyntax node)
    {
        node = (ForStatementSyntax)base.VisitForStatement(node)!;
        return node.WithStatement(Checked(node.Statement));
    }

    public override SyntaxNode? VisitForEachStatement(ForEachStatementSyntax node)
    {
        node = (ForEachStatementSyntax)base.VisitForEachStatement(node)!;
        return node.WithStatement(Checked(node.Statement));
    }

    public override SyntaxNode? VisitForEachVariableStatement(ForEachVariableStatementSyntax node)
    {
        node = (ForEachVariableStatementSyntax)base.VisitForEachVariableStatement(node)!;
        return node.WithStatement(Checked(node.Statement));
    }

    // Every loop made of labels passes a goto, and a check before the goto needs no care for what the label scopes.
    public override SyntaxNode? VisitGotoStatement(GotoStatementSyntax node) => Checked(node);

    public override SyntaxNode? VisitInvocationExpression(InvocationExpressionSyntax node)
    {
        bool ends = EndsProcess(node, out string method);
        node = (InvocationExpressionSyntax)base.VisitInvocationExpression(node)!;
        return ends
            ? node.WithExpression(
                ParseExpression($"global::{typeof(CellExit).FullName}.{method}").WithTriviaFrom(node.Expression)
            )
            : node;
    }

    public override SyntaxNode? VisitCatchClause(CatchClauseSyntax node)
    {
        bool everything = node.Declaration?.Type.ToString() is null or "Exception" or "System.Exception";
        node = (CatchClauseSyntax)base.VisitCatchClause(node)!;
        return everything ? node.WithBlock(Prepend(Check, node.Block)) : node;
    }

    public override SyntaxNode? VisitMethodDeclaration(MethodDeclarationSyntax node)
    {
        bool returns = ReturnsValue(node.ReturnType, node.Modifiers);
        node = (MethodDeclarationSyntax)base.VisitMethodDeclaration(node)!;
        return Entered(node, returns);
    }

    public override SyntaxNode? VisitOperatorDeclaration(OperatorDeclarationSyntax node)
    {
        bool returns = ReturnsValue(node.ReturnType, node.Modifiers);
        return Entered((OperatorDeclarationSyntax)base.VisitOperatorDeclaration(node)!, returns);
    }

    public override SyntaxNode? VisitConversionOperatorDeclaration(ConversionOperatorDeclarationSyntax node) =>
        Entered((ConversionOperatorDeclarationSyntax)base.VisitConversionOperatorDeclaration(node)!, true);

    public override SyntaxNode? VisitConstructorDeclaration(ConstructorDeclarationSyntax node)
    {
        // A stop in a static constructor would leave its type unusable for good.
        return node.Modifiers.Any(SyntaxKind.StaticKeyword)
            ? node
            : Entered((ConstructorDeclarationSyntax)base.VisitConstructorDeclaration(node)!, false);
    }

    public override SyntaxNode? VisitLocalFunctionStatement(LocalFunctionStatementSyntax node)
    {
        bool returns = ReturnsValue(node.ReturnType, node.Modifiers);
        node = (LocalFunctionStatementSyntax)base.VisitLocalFunctionStatement(node)!;
        if (node.Body is { } body)
            return node.WithBody(Prepend(Enter, body));
        return node.ExpressionBody is { } arrow
            ? node.WithExpressionBody(null)
                .WithBody(ToBlock(Enter, arrow.Expression, returns, node.SemicolonToken))
                .WithSemicolonToken(default)
            : node;
    }

    public override SyntaxNode? VisitAccessorDeclaration(AccessorDeclarationSyntax node)
    {
        node = (AccessorDeclarationSyntax)base.VisitAccessorDeclaration(node)!;
        if (node.Body is { } body)
            return node.WithBody(Prepend(Enter, body));
        bool returns = node.IsKind(SyntaxKind.GetAccessorDeclaration);
        return node.ExpressionBody is { } arrow
            ? node.WithExpressionBody(null)
                .WithBody(ToBlock(Enter, arrow.Expression, returns, node.SemicolonToken))
                .WithSemicolonToken(default)
            : node;
    }

    public override SyntaxNode? VisitPropertyDeclaration(PropertyDeclarationSyntax node)
    {
        node = (PropertyDeclarationSyntax)base.VisitPropertyDeclaration(node)!;
        return node.ExpressionBody is { } arrow
            ? node.WithExpressionBody(null)
                .WithAccessorList(Getter(arrow, node.SemicolonToken))
                .WithSemicolonToken(default)
            : node;
    }

    public override SyntaxNode? VisitIndexerDeclaration(IndexerDeclarationSyntax node)
    {
        node = (IndexerDeclarationSyntax)base.VisitIndexerDeclaration(node)!;
        return node.ExpressionBody is { } arrow
            ? node.WithExpressionBody(null)
                .WithAccessorList(Getter(arrow, node.SemicolonToken))
                .WithSemicolonToken(default)
            : node;
    }

    public override SyntaxNode? VisitAnonymousMethodExpression(AnonymousMethodExpressionSyntax node)
    {
        node = (AnonymousMethodExpressionSyntax)base.VisitAnonymousMethodExpression(node)!;
        return node.WithBlock(Prepend(Check, node.Block));
    }

    public override SyntaxNode? VisitSimpleLambdaExpression(SimpleLambdaExpressionSyntax node) =>
        VisitLambda(node, n => base.VisitSimpleLambdaExpression((SimpleLambdaExpressionSyntax)n));

    public override SyntaxNode? VisitParenthesizedLambdaExpression(ParenthesizedLambdaExpressionSyntax node) =>
        VisitLambda(node, n => base.VisitParenthesizedLambdaExpression((ParenthesizedLambdaExpressionSyntax)n));

    private SyntaxNode? VisitLambda(LambdaExpressionSyntax node, Func<LambdaExpressionSyntax, SyntaxNode?> visit)
    {
        if (node.Block is not null)
        {
            var visited = (LambdaExpressionSyntax)visit(node)!;
            return visited.WithBlock(Prepend(Check, visited.Block!));
        }
        if (
            model.GetSymbolInfo(node).Symbol
                is not IMethodSymbol { ReturnsByRef: false, ReturnsByRefReadonly: false } method
            || IsExpressionTree(model.GetTypeInfo(node).ConvertedType)
        )
            return node;
        bool returns = method.IsAsync
            ? method.ReturnType is INamedTypeSymbol { IsGenericType: true }
            : !method.ReturnsVoid;
        var lambda = (LambdaExpressionSyntax)visit(node)!;
        return lambda.WithExpressionBody(null).WithBlock(ToBlock(Check, lambda.ExpressionBody!, returns, default));
    }

    private bool EndsProcess(InvocationExpressionSyntax call, out string method)
    {
        method = call.Expression switch
        {
            MemberAccessExpressionSyntax member => member.Name.Identifier.ValueText,
            IdentifierNameSyntax name => name.Identifier.ValueText,
            _ => "",
        };
        return method is nameof(Environment.Exit) or nameof(Environment.FailFast)
            && model.GetSymbolInfo(call).Symbol?.ContainingType.ToDisplayString() == typeof(Environment).FullName;
    }

    private static bool IsExpressionTree(ITypeSymbol? type) =>
        type is INamedTypeSymbol { Name: "Expression" } named
        && named.ContainingNamespace.ToDisplayString() == "System.Linq.Expressions";

    private static BaseMethodDeclarationSyntax Entered(BaseMethodDeclarationSyntax node, bool returns)
    {
        if (node.Body is { } body)
            return node.WithBody(Prepend(Enter, body));
        return node.ExpressionBody is { } arrow
            ? node.WithExpressionBody(null)
                .WithBody(ToBlock(Enter, arrow.Expression, returns, node.SemicolonToken))
                .WithSemicolonToken(default)
            : node;
    }

    private static AccessorListSyntax Getter(ArrowExpressionClauseSyntax arrow, SyntaxToken semicolon)
    {
        var getter = AccessorDeclaration(
            SyntaxKind.GetAccessorDeclaration,
            ToBlock(Enter, arrow.Expression, true, default)
        );
        return AccessorList(SingletonList(getter))
            .WithCloseBraceToken(Token(SyntaxKind.CloseBraceToken).WithTrailingTrivia(semicolon.TrailingTrivia));
    }

    private static bool ReturnsValue(TypeSyntax type, SyntaxTokenList modifiers) =>
        type switch
        {
            PredefinedTypeSyntax predefined => !predefined.Keyword.IsKind(SyntaxKind.VoidKeyword),
            IdentifierNameSyntax or QualifiedNameSyntax { Right: IdentifierNameSyntax } => !modifiers.Any(
                SyntaxKind.AsyncKeyword
            ),
            _ => true,
        };

    /// <summary><c>=> expression;</c> as a block that begins with a check.</summary>
    private static BlockSyntax ToBlock(
        StatementSyntax check,
        ExpressionSyntax expression,
        bool returns,
        SyntaxToken semicolon
    )
    {
        StatementSyntax statement = expression switch
        {
            ThrowExpressionSyntax thrown => ThrowStatement(
                thrown.ThrowKeyword,
                thrown.Expression,
                Token(SyntaxKind.SemicolonToken)
            ),
            _ when returns => ReturnStatement(
                Token(SyntaxKind.ReturnKeyword).WithTrailingTrivia(Space),
                expression,
                Token(SyntaxKind.SemicolonToken)
            ),
            _ => ExpressionStatement(expression),
        };
        return Block(
            Token(SyntaxKind.OpenBraceToken),
            List([check, statement]),
            Token(SyntaxKind.CloseBraceToken).WithTrailingTrivia(semicolon.TrailingTrivia)
        );
    }

    private static StatementSyntax Checked(StatementSyntax body)
    {
        if (body is BlockSyntax block)
            return Prepend(Check, block);
        return Block(
            Token(SyntaxKind.OpenBraceToken).WithLeadingTrivia(body.GetLeadingTrivia()),
            List([Check, body.WithoutTrivia()]),
            Token(SyntaxKind.CloseBraceToken).WithTrailingTrivia(body.GetTrailingTrivia())
        );
    }

    /// <summary>
    /// The check goes right behind the brace, before the line's end: what follows may be a directive.
    /// </summary>
    private static BlockSyntax Prepend(StatementSyntax check, BlockSyntax block)
    {
        var brace = block.OpenBraceToken;
        return block
            .WithOpenBraceToken(brace.WithTrailingTrivia())
            .WithStatements(block.Statements.Insert(0, check.WithTrailingTrivia(brace.TrailingTrivia)));
    }

    private static StatementSyntax Call(string method) =>
        ParseStatement($"global::{typeof(Stop).FullName}.{method}();");
}
