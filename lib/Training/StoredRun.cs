namespace PatchKit.Training;

/// <summary>A run in the cache.</summary>
/// <param name="Key">the configuration's.</param>
/// <param name="Folder">where its files are.</param>
/// <param name="Status">how far it came.</param>
/// <param name="Config">what it is.</param>
/// <param name="Result">its result; null unless finished.</param>
/// <param name="Bytes">what its files take.</param>
public sealed record StoredRun(string Key, string Folder, RunStatus Status, RunConfig Config, RunResult? Result, long Bytes);
