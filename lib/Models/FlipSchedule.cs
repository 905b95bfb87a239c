namespace PatchKit.Models;

/// <summary>
/// Which of Adventurer's blocks read the patches in reverse order. The three descriptions of it disagree.
/// </summary>
public enum FlipSchedule
{
    /// <summary>
    /// Blocks 2 and 3 only (n / 2 == 1): what the official code does, and what its released weights need.
    /// </summary>
    Official,

    /// <summary>Two blocks forward, two reversed ((n / 2) % 2 == 1): what the official code's comment says.</summary>
    EveryTwoBlocks,

    /// <summary>Every second block (n % 2 == 1): what the figure of the architecture shows.</summary>
    EveryBlock,
}
