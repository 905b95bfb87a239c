namespace PatchKit.Training.Recipes;

/// <summary>The recipes by name.</summary>
public static class RecipeBook
{
    /// <summary>All recipes.</summary>
    public static IReadOnlyList<Recipe> All { get; } =
    [
        Deit.Standard,
        MaeSupervised.Large,
        MaeSupervised.Huge,
        AdventurerPretraining.Standard,
        AdventurerPretraining.Large,
        AdventurerIntermediate.Small,
        AdventurerIntermediate.Base,
        AdventurerIntermediate.Large,
        AdventurerFinetuning.Small,
        AdventurerFinetuning.Base,
        AdventurerFinetuning.Large,
        Small.Teach,
        Small.Smoke,
        Small.Images,
        Small.Gpu,
        .. SegmentationRecipes.All,
        .. DetectionRecipes.All,
    ];

    /// <summary>A recipe by name.</summary>
    /// <exception cref="ArgumentException">There is no such recipe; the message has the nearest name.</exception>
    public static Recipe Find(string name) =>
        All.FirstOrDefault(recipe => recipe.Name == name)
        ?? throw new ArgumentException(
            $"there is no recipe \"{name}\"; did you "
                + $"mean {NearestName.Of(name, All.Select(recipe => recipe.Name))}? There "
                + $"are {string.Join(", ", All.Select(recipe => recipe.Name))}."
        );
}
