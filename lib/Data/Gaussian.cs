namespace PatchKit.Data;

/// <summary>
/// Normal random numbers by the ziggurat (Marsaglia and Tsang 2000; in Doornik's form): 256 layers of equal area under
/// exp(-x^2 / 2), so that 99 of 100 draws cost one hash, one product and one comparison.
/// </summary>
internal static class Gaussian
{
    private const double Tail = 3.6541528853610088,
        Area = 0.00492867323399;
    private static readonly double[] s_edges = Edges();

    /// <summary>A draw of mean 0 and variance 1.</summary>
    internal static float Draw(ref CounterRandom random)
    {
        double[] edges = s_edges;
        while (true)
        {
            ulong bits = random.Next();
            int layer = (byte)bits;
            // the sign and 52 bits that the layer did not use
            double x = ((long)bits >> 11) * (1.0 / (1L << 52)) * edges[layer];
            if (Math.Abs(x) < edges[layer + 1])
                return (float)x; // wholly under the curve
            if (layer == 0)
                return (float)Math.CopySign(BeyondTail(ref random), x);
            double low = Height(edges[layer]),
                high = Height(edges[layer + 1]);
            if (low + random.Uniform() * (high - low) < Height(x))
                return (float)x;
        }
    }

    private static double BeyondTail(ref CounterRandom random)
    {
        while (true)
        {
            double x = -Math.Log(1 - random.Uniform()) / Tail,
                y = -Math.Log(1 - random.Uniform());
            if (2 * y > x * x)
                return Tail + x;
        }
    }

    private static double Height(double x) => Math.Exp(-0.5 * x * x);

    private static double[] Edges()
    {
        var edges = new double[257];
        (edges[0], edges[1]) = (Area / Height(Tail), Tail);
        for (int i = 2; i < 256; i++)
            edges[i] = Math.Sqrt(-2 * Math.Log(Area / edges[i - 1] + Height(edges[i - 1])));
        return edges; // the last one is 0
    }
}
