using PatchKit.Data;
using PatchKit.Training.Runs;
using PatchKit.Training.Tasks;
using static TorchSharp.torch;

namespace PatchKit.Training.Loop;

/// <summary>Data whose images are of another element type than float32, for models that train in it.</summary>
internal sealed class InPrecision : TrainingData
{
    private readonly TrainingData _data;
    private readonly ScalarType _dtype;

    private InPrecision(TrainingData data, ScalarType dtype) => (_data, _dtype) = (data, dtype);

    /// <summary>A run's data in a precision; the data itself for float32.</summary>
    /// <exception cref="ArgumentException">The run's task knows float32 alone.</exception>
    internal static TrainingData Of(RunConfig config, TrainingData data, ScalarType dtype)
    {
        if (dtype == ScalarType.Float32)
            return data;
        if (dtype == ScalarType.Float64 && config.Task is null or ClassificationTask)
            return new InPrecision(data, dtype);
        data.Dispose();
        throw new ArgumentException(
            $"{config} was to train in {dtype}, but classification alone trains in float64, and all else in "
                + "float32; leave --precision out."
        );
    }

    public override int Classes => _data.Classes;

    public override long EpochImages => _data.EpochImages;

    public override int LeftOut => _data.LeftOut;

    public override IEnumerable<Batch> Training(int epoch, int firstStep, CancellationToken cancellation) =>
        _data.Training(epoch, firstStep, cancellation).Select(Converted);

    public override IEnumerable<Batch> Test(CancellationToken cancellation) =>
        _data.Test(cancellation).Select(Converted);

    public override void Dispose() => _data.Dispose();

    private Batch Converted(Batch batch)
    {
        using var images = batch.Images;
        return batch with { Images = images.to(_dtype) };
    }
}
