using PatchKit.Data;
using PatchKit.Experiments.Planning;
using PatchKit.Experiments.Sweeps;
using PatchKit.Models;
using PatchKit.Models.Detection;
using PatchKit.Models.Segmentation;
using PatchKit.Torch;
using PatchKit.Training;
using PatchKit.Training.Recipes;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using Xunit;
using static TorchSharp.torch;

namespace PatchKit.Tests.Experiments.Planning;

/// <summary>
/// What plans count for decoders and detectors, against the modules themselves. Memory is measured in float32, where
/// products take twice the bytes and no copies are made of them.
/// </summary>
public sealed class PlanHeadTests(ITestOutputHelper output)
{
    private const int Images = 2;

    [Theory, Trait("speed", "seconds")]
    [InlineData(16, true)]
    [InlineData(4, true)]
    [InlineData(8, false)]
    public void ADecoderTakesWhatIsCounted(int patch, bool upernet)
    {
        var model = new VisionTransformerConfig
        {
            Height = 128,
            Width = 128,
            PatchSize = patch,
            EmbedDim = 96,
            Depth = 2,
            Heads = 3,
            Classes = 0,
        };
        var task = new SegmentationTask
        {
            Decoder = upernet ? SegmentationConfig.UperNet(48) with { Auxiliary = true } : SegmentationConfig.Linear,
        };
        using var segmenter = new Segmenter(model, 150, task.Decoder);
        using var batch = new Batch(
            randn([Images, 3, 128, 128]),
            zeros([Images], ScalarType.Int64),
            Dense: zeros([Images, 128, 128], ScalarType.Int64)
        );
        var head = Head(model, task, "segment-smoke", PublishedData.Scenes(PublishedData.Ade20K)!);
        Assert.Equal(
            segmenter.parameters().Sum(parameter => parameter.numel())
                - segmenter.Backbone.parameters().Sum(parameter => parameter.numel()),
            head.Parameters
        );
        Compare(head, model, segmenter, new SegmentationObjective(segmenter), batch);
    }

    [Theory, Trait("speed", "seconds")]
    [InlineData(16)]
    [InlineData(8)]
    public void ADetectorTakesWhatIsCounted(int patch)
    {
        var model = new AdventurerConfig
        {
            Height = 256,
            Width = 256,
            PatchSize = patch,
            EmbedDim = 64,
            Depth = 2,
            Classes = 0,
        };
        var task = new DetectionTask(
            new DetectorConfig
            {
                Dim = 64,
                BoxDim = 128,
                RegionsPerImage = 128,
            }
        );
        using var detector = task.Create(model, 80);
        var objects = new ObjectTargets(
            tensor(new float[] { 10, 10, 100, 120, 50, 60, 200, 220, 30, 100, 90, 250 }, [3, 4]),
            tensor(new long[] { 1, 2, 3 }),
            ones([3, 256, 256], ScalarType.Bool)
        );
        using var batch = new Batch(
            randn([Images, 3, 256, 256]),
            zeros([Images], ScalarType.Int64),
            Objects: [objects, objects]
        );
        Compare(
            Head(model, task, "detection", PublishedData.Objects(PublishedData.Coco)!),
            model,
            detector,
            new DetectionObjective(detector, DetectionPhase.Objects, 1),
            batch
        );
    }

    [Theory]
    [InlineData(16, false)]
    [InlineData(4, false)]
    [InlineData(2, false)]
    [InlineData(8, true)]
    public void ADetectorHasAsManyWeightsAsAreCounted(int patch, bool small)
    {
        var model = small
            ? SmallNet.Vit(48, patch, 0) with
            {
                EmbedDim = 64,
                Heads = 4,
            }
            : (BackboneConfig)
                new AdventurerConfig
                {
                    Height = 64,
                    Width = 64,
                    PatchSize = patch,
                    EmbedDim = 64,
                    Depth = 1,
                    Classes = 0,
                };
        var task = new DetectionTask(small ? DetectionGrid.Small : new DetectorConfig { BoxDim = 64, Dim = 32 });
        using var detector = task.Create(model, 80);
        long expected =
            detector.parameters().Sum(parameter => parameter.numel())
            - detector.Backbone.parameters().Sum(parameter => parameter.numel());
        Assert.Equal(expected, Head(model, task, "detection", PublishedData.Objects(PublishedData.Coco)!).Parameters);
    }

    private static HeadCost Head(BackboneConfig model, TaskConfig task, string recipe, DataConfig data) =>
        PlannedRun.HeadOf(
            new RunConfig
            {
                Model = model,
                Task = task,
                Recipe = RecipeBook.Find(recipe),
                Data = data,
            },
            model
        );

    private void Compare(HeadCost head, BackboneConfig config, nn.Module model, IObjective objective, Batch batch)
    {
        using var scope = NewDisposeScope();
        foreach (var parameter in model.parameters())
            parameter.grad = zeros_like(parameter);
        long before = Engine.Memory().LiveBytes;
        Engine.ResetPeakMemory();
        using (NewDisposeScope())
            foreach (var loss in objective.Losses(batch, 0, 1))
                loss.backward();
        double peak = Engine.Memory().PeakBytes - before,
            counted = Images * (head.ActivationBytes + config.Cost().ActivationBytes);
        output.WriteLine(
            $"{peak / 1e6:0.0} MB, counted {counted / 1e6:0.0}, the head's {Images * head.ActivationBytes / 1e6:0.0}"
        );
        Assert.InRange(peak / counted, .7, 1.1);
    }
}
