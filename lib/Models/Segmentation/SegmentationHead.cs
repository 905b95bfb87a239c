using TorchSharp;
using static TorchSharp.torch;

namespace PatchKit.Models.Segmentation;

/// <summary>Scores for the classes of places, from the map of dense tokens.</summary>
/// <param name="name">what errors call it.</param>
public abstract class SegmentationHead(string name) : nn.Module<Tensor, Tensor>(name)
{
    /// <summary>
    /// A map (B, D, rows, columns), a token at each place, to scores (B, classes, h, w) of some resolution.
    /// </summary>
    public abstract override Tensor forward(Tensor map);

    /// <summary>Multiply-accumulates on one image's map, without resizing and pooling.</summary>
    /// <param name="rows">rows of tokens.</param>
    /// <param name="columns">columns of tokens.</param>
    public abstract double Macs(int rows, int columns);

    /// <summary>
    /// Bytes kept for the backward pass of one image's map under bfloat16 autocast, without the scores.
    /// </summary>
    /// <param name="rows">rows of tokens.</param>
    /// <param name="columns">columns of tokens.</param>
    public abstract double ActivationBytes(int rows, int columns);
}
