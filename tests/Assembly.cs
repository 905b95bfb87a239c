using Xunit;

// libtorch uses all cores itself, its default generator belongs to the process, and memory is measured for the whole of
// it.
[assembly: CollectionBehavior(DisableTestParallelization = true)]
