namespace PatchKit.Data.Loading;

/// <summary>Work on threads of the pool, some items ahead of the one that is asked for.</summary>
internal static class Ahead
{
    /// <summary>
    /// The results in the items' order, no more than so many in the making; what an item fails with is thrown in its
    /// place. Ends early when it is cancelled.
    /// </summary>
    /// <param name="items">what there is to do.</param>
    /// <param name="make">does it; it makes no tensors, which belong to the thread that asks for results.</param>
    /// <param name="ahead">how many items may be in the making or ready.</param>
    /// <param name="cancellation">ends it.</param>
    internal static IEnumerable<TResult> InOrder<TItem, TResult>(
        IEnumerable<TItem> items,
        Func<TItem, TResult> make,
        int ahead,
        CancellationToken cancellation
    )
    {
        var making = new Queue<Task<TResult>>();
        foreach (var item in items)
        {
            if (cancellation.IsCancellationRequested)
                yield break;
            making.Enqueue(Task.Run(() => make(item), CancellationToken.None));
            if (making.Count > ahead)
                yield return making.Dequeue().GetAwaiter().GetResult();
        }
        while (making.Count > 0 && !cancellation.IsCancellationRequested)
            yield return making.Dequeue().GetAwaiter().GetResult();
    }
}
