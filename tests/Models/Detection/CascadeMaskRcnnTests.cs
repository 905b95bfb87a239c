using PatchKit.Data;
using PatchKit.Models.Detection;
using PatchKit.Training.Tasks;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Models.Detection;

/// <summary>The whole detector: losses, gradients, repeatability, results, and images without objects.</summary>
public sealed class CascadeMaskRcnnTests : IDisposable
{
    private readonly IDisposable _scope = NewDisposeScope();

    public void Dispose() => _scope.Dispose();

    [Theory]
    [InlineData(16)]
    [InlineData(4)]
    public void EveryParameterGetsAGradient(int patch)
    {
        using var detector = SmallDetector.Create(patch);
        using var batch = SmallDetector.Images(4);
        var losses = detector.Losses(batch.Images, batch.Objects!, new DetectionDraw(1, 0));
        Assert.All(losses.Parts, part => Assert.True(part.item<float>() > 0));
        (losses.Total + detector.PixelLoss(batch.Images, batch.Objects!)).backward();
        foreach (var (name, parameter) in detector.named_parameters())
        {
            Assert.True(parameter.grad is not null, name);
            Assert.True(parameter.grad!.isfinite().all().item<bool>(), name);
        }
    }

    [Fact]
    public void LossesRepeatToTheBitAndDependOnTheDraw()
    {
        using var detector = SmallDetector.Create();
        using var batch = SmallDetector.Images(4);
        float[] Losses(long seed, long step) =>
            [
                .. detector
                    .Losses(batch.Images, batch.Objects!, new DetectionDraw(seed, step))
                    .Parts.Select(part => part.item<float>()),
            ];
        Assert.Equal(Losses(1, 3), Losses(1, 3));
        Assert.NotEqual(Losses(1, 3), Losses(1, 4));
        Assert.NotEqual(Losses(1, 3), Losses(2, 3));
    }

    [Fact]
    public void PartsOfABatchDrawWhatTheWholeDraws()
    {
        using var detector = SmallDetector.Create();
        using var batch = SmallDetector.Images(4);
        var objective = new DetectionObjective(detector, DetectionPhase.Objects, 1);
        float[] halves = [.. objective.Losses(batch, 5, 2).Select(loss => loss.item<float>())];
        Assert.Equal(2, halves.Length);
        Assert.Equal(
            detector
                .Losses(batch.Images.narrow(0, 2, 2), [.. batch.Objects!.Skip(2)], new DetectionDraw(1, 5, First: 2))
                .Total.item<float>(),
            halves[1]
        );
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ImagesWithoutObjectsTeachBackground(bool all)
    {
        using var detector = SmallDetector.Create();
        using var batch = SmallDetector.Images(2);
        ObjectTargets[] objects = [SmallDetector.Nothing(), all ? SmallDetector.Nothing() : batch.Objects![1]];
        var losses = detector.Losses(batch.Images, objects, new DetectionDraw(1, 0));
        Assert.True(float.IsFinite(losses.Total.item<float>()));
        Assert.True(losses.Class.item<float>() > 0);
        if (all)
            Assert.Equal(
                (0, 0, 0),
                (losses.Box.item<float>(), losses.Mask.item<float>(), losses.Proposals.item<float>())
            );
        losses.Total.backward();
    }

    [Fact]
    public void ResultsLieInTheImageTheSurestFirst()
    {
        using var detector = SmallDetector.Create();
        detector.eval();
        using var batch = SmallDetector.Images(3);
        var found = detector.Detect(batch.Images, [(48, 48), (40, 32), (48, 48)]);
        Assert.Equal(3, found.Count);
        Assert.All(
            found,
            image =>
            {
                Assert.True(image.Count > 0);
                Assert.Equal([image.Count, 6, 6], image.Masks.shape);
                Assert.True(image.Boxes.ge(0).all().item<bool>());
                float[] scores = [.. image.Scores.data<float>()];
                Assert.Equal(scores.OrderDescending(), scores);
                Assert.All(image.Classes.data<long>(), label => Assert.InRange(label, 0, SmallDetector.Classes - 1));
            }
        );
        Assert.True(found[1].Boxes.select(1, 2).le(32).all().item<bool>());
        Assert.True(found[1].Boxes.select(1, 3).le(40).all().item<bool>());
        var again = detector.Detect(batch.Images, [(48, 48), (40, 32), (48, 48)]);
        Assert.Equal([.. found[0].Boxes.data<float>()], again[0].Boxes.data<float>().ToArray());
    }

    [Fact]
    public void ADetectorThatIsSureOfNothingFindsNothing()
    {
        using var detector = SmallDetector.Create(config: SmallDetector.Config with { LeastScore = .999 });
        using var batch = SmallDetector.Images(1);
        detector.eval();
        var found = detector.Detect(batch.Images).Single();
        Assert.Equal(0, found.Count);
        Assert.Equal([0, 48, 48], found.Pasted(48, 48).shape);
    }

    [Fact]
    public void ADetectorWithoutPixelsSaysSo()
    {
        using var detector = SmallDetector.Create(config: SmallDetector.Config with { Pixels = false });
        using var batch = SmallDetector.Images(1);
        Assert.Contains(
            "Pixels = true",
            Assert.Throws<InvalidOperationException>(() => detector.PixelLoss(batch.Images, batch.Objects!)).Message
        );
    }

    [Fact]
    public void TheUsualDetectorStandsOnAnyBackbone()
    {
        using var vit = new CascadeMaskRcnn(
            PatchKit.Models.SmallNet.Vit(64, 8, 0).Create(),
            80,
            new DetectorConfig
            {
                Dim = 16,
                BoxDim = 32,
                RegionsPerImage = 16,
            }
        );
        using var adventurer = new CascadeMaskRcnn(
            PatchKit.Models.SmallNet.Adventurer(64, 8, 0).Create(),
            80,
            new DetectorConfig
            {
                Dim = 16,
                BoxDim = 32,
                RegionsPerImage = 16,
            }
        );
        foreach (var detector in new[] { vit, adventurer })
        {
            Assert.Equal([16, 8, 4, 2], detector.call(zeros([1, 3, 64, 64])).Select(level => level.shape[2]));
            Assert.True(
                float.IsFinite(
                    detector
                        .Losses(zeros([1, 3, 64, 64]), [SmallDetector.Nothing(64)], new DetectionDraw(1, 0))
                        .Total.item<float>()
                )
            );
            // positions are interpolated
            Assert.Equal([24, 12, 6, 3], detector.call(zeros([1, 3, 96, 64])).Select(level => level.shape[2]));
        }
    }
}
