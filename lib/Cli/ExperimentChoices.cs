using System.CommandLine;
using PatchKit.Experiments;
using PatchKit.Torch;

namespace PatchKit.Cli;

/// <summary>The options that say which runs an experiment takes, those of `patchkit run`.</summary>
internal sealed class ExperimentChoices
{
    private readonly Argument<string> _name;
    private readonly Option<Scale> _scale;
    private readonly Option<string?> _data;
    private readonly Option<int?> _seeds = new("--seeds") { Description = "how many seeds" };
    private readonly Option<long> _firstSeed = new("--first-seed")
    {
        Description = "the first of them",
        DefaultValueFactory = _ => new ExperimentOptions().FirstSeed,
    };
    private readonly Option<double> _budget = new("--budget")
    {
        Description = "a multiple of the scale's training steps",
        DefaultValueFactory = _ => 1,
    };
    private readonly Option<bool> _pixels = new("--pixels")
    {
        Description =
            "train the next smaller patch too, p = 1 at 16 pixels, with at most three seeds where --seeds "
            + "says no more; table2 on real images: five patch sizes in place of three",
    };
    private readonly Option<int> _longer = new("--longer")
    {
        Description =
            "table1 on real images with --pixels: the smallest patches at 16 pixels also with 2, 4 and 8 times "
            + "the steps, up to this many",
        DefaultValueFactory = _ => 1,
    };
    private readonly Option<string?> _pretraining = new("--pretraining")
    {
        Description =
            "table2, table3, figure1d to f, figure2: a folder of images by class that backbones are trained "
            + "on first (default: generated images; at paper scale ImageNet-1k)",
    };

    /// <summary>The options, added to a command.</summary>
    /// <param name="command">the command.</param>
    /// <param name="isOptional">whether the experiment may be left out.</param>
    /// <param name="usual">the scale that is meant where none is given.</param>
    /// <param name="orData">what else than a folder the images may be given by.</param>
    internal ExperimentChoices(Command command, bool isOptional = false, Scale usual = Scale.Teach, string orData = "")
    {
        _scale = new("--scale") { Description = ScaleNames.Choices, DefaultValueFactory = _ => usual };
        _data = new("--data") { Description = $"a folder of real images{orData} in place of generated ones" };
        _name = new("name")
        {
            Description = "the experiment, such as table1 (patchkit list)",
            Arity = isOptional ? ArgumentArity.ZeroOrOne : ArgumentArity.ExactlyOne,
        };
        command.Add(_name);
        foreach (
            var option in new Option[] { _scale, _data, _seeds, _firstSeed, _budget, _pixels, _longer, _pretraining }
        )
            command.Add(option);
    }

    /// <summary>The experiment's name as it was written; null where it was left out.</summary>
    internal string? Name(ParseResult parsed) => parsed.GetValue(_name);

    /// <summary>What was chosen.</summary>
    /// <exception cref="ArgumentException">There are fewer seeds than one.</exception>
    internal ExperimentOptions Options(ParseResult parsed)
    {
        int? count = parsed.GetValue(_seeds);
        if (count < 1)
            throw new ArgumentException($"{count} seeds measure nothing; use 1 or more.");
        return new()
        {
            Scale = parsed.GetValue(_scale),
            Data = parsed.GetValue(_data),
            Seeds = count,
            FirstSeed = parsed.GetValue(_firstSeed),
            Budget = parsed.GetValue(_budget),
            Pixels = parsed.GetValue(_pixels),
            Longer = Longer(parsed),
            Pretraining = parsed.GetValue(_pretraining),
        };
    }

    private int Longer(ParseResult parsed)
    {
        int times = parsed.GetValue(_longer);
        if (times is not (1 or 2 or 4 or 8))
            throw new ArgumentException($"--longer {times} is none of 1, 2, 4 and 8.");
        if (times > 1 && !parsed.GetValue(_pixels))
            throw new ArgumentException(
                $"--longer {times} trains p = 2 and p = 1 longer, and only --pixels has p = 1; give both."
            );
        return times;
    }
}
