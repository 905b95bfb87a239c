using System.Globalization;

namespace PatchKit.Cli;

/// <summary>
/// What the drawings of images are called, and the images in result files: no two alike, whatever folders they come
/// from.
/// </summary>
internal static class DrawingNames
{
    /// <summary>The file of each drawing: NAME-KIND.png.</summary>
    /// <exception cref="ArgumentException">Two images would have one.</exception>
    internal static string[] Files(IReadOnlyList<string> images, string folder, string kind)
    {
        string[] files =
        [
            .. images.Select(path => Path.Combine(folder, $"{Path.GetFileNameWithoutExtension(path)}-{kind}.png")),
        ];
        var twins = files
            .Zip(images)
            .GroupBy(entry => entry.First, entry => entry.Second, StringComparer.Ordinal)
            .FirstOrDefault(group => group.Count() > 1);
        return twins is null
            ? files
            : throw new ArgumentException(
                $"{string.Join(" and ", twins)} would both be drawn into {twins.Key}; draw them one after "
                    + "the other, into other folders (--out)."
            );
    }

    /// <summary>
    /// The id of each image: its name where that is a number, as COCO's are; else its place, from 1, or the next number
    /// that no other image has.
    /// </summary>
    /// <exception cref="ArgumentException">Two names are one number.</exception>
    internal static long[] Ids(IReadOnlyList<string> images)
    {
        long?[] named =
        [
            .. images.Select(path =>
                long.TryParse(
                    Path.GetFileNameWithoutExtension(path),
                    NumberStyles.None,
                    CultureInfo.InvariantCulture,
                    out long id
                )
                    ? id
                    : (long?)null
            ),
        ];
        if (
            named
                .Zip(images)
                .Where(entry => entry.First is not null)
                .GroupBy(entry => entry.First, entry => entry.Second)
                .FirstOrDefault(group => group.Count() > 1) is
            { } twins
        )
            throw new ArgumentException(
                $"{string.Join(" and ", twins)} both have the image id {twins.Key} by their names; draw "
                    + "them one after the other, into other folders (--out)."
            );
        var taken = named.OfType<long>().ToHashSet();
        return [.. named.Select((id, place) => id ?? Free(place + 1))];

        long Free(long id)
        {
            while (!taken.Add(id))
                id++;
            return id;
        }
    }
}
