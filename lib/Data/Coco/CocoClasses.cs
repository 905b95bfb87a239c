using PatchKit.Data.Images;

namespace PatchKit.Data.Coco;

/// <summary>
/// The categories of one file of a set as the classes that a model learnt from another: by their names, as ids and
/// order may differ.
/// </summary>
internal static class CocoClasses
{
    /// <summary>The class of each category that has one.</summary>
    /// <param name="own">The file's categories.</param>
    /// <param name="learnt">The other file's, in the order of the classes.</param>
    /// <param name="used">Whether the file has an object of a category.</param>
    /// <param name="name">What messages call the file.</param>
    /// <returns>From category ids to places in <paramref name="learnt"/>.</returns>
    /// <exception cref="ImageException">A category that is used cannot be told by its name.</exception>
    internal static Dictionary<long, int> Match(
        IReadOnlyList<CocoCategory> own,
        IReadOnlyList<CocoCategory> learnt,
        Func<long, bool> used,
        string name
    )
    {
        if (own.SequenceEqual(learnt))
            return learnt
                .Select((category, place) => (category.Id, place))
                .ToDictionary(entry => entry.Id, entry => entry.place);
        var classes = new Dictionary<long, int>();
        List<string> unknown = [],
            doubtful = [];
        foreach (var category in own)
        {
            int[] places =
            [
                .. learnt.Index().Where(entry => entry.Item.Name == category.Name).Select(entry => entry.Index),
            ];
            // A name that two categories share is told by the id as well.
            if (category.Name.Length == 0 || places.Length > 1 || own.Count(other => other.Name == category.Name) > 1)
                places = [.. places.Where(place => learnt[place].Id == category.Id)];
            if (places.Length == 1)
                classes[category.Id] = places[0];
            else if (used(category.Id))
                (learnt.Any(entry => entry.Name == category.Name) ? doubtful : unknown).Add(
                    $"\"{category.Name}\" ({category.Id})"
                );
        }
        if (unknown.Count > 0)
            throw new ImageException(
                name,
                $"has objects of {Some(unknown)}, but the categories that are learnt "
                    + $"are {Some([.. learnt.Select(category => $"\"{category.Name}\"")])}; name categories "
                    + "alike in both files."
            );
        if (doubtful.Count > 0)
            throw new ImageException(
                name,
                $"has objects of {Some(doubtful)}, a name that several categories share under other ids in "
                    + "the file that is learnt from; give each category a name of its own."
            );
        return classes;
    }

    private static string Some(List<string> names) =>
        names.Count <= 8 ? string.Join(", ", names) : $"{string.Join(", ", names.Take(8))} and {names.Count - 8} more";
}
