// Standard streams and the stop flag belong to the process: one cell at a time.
[assembly: Xunit.CollectionBehavior(DisableTestParallelization = true)]
