namespace TorchSharp;

public static partial class torch
{
    /// <summary>Linear algebra.</summary>
    public static class linalg
    {
        private static readonly Op Pinv = "aten::linalg_pinv.atol_rtol_float", Svd = "aten::linalg_svd";
        /// <summary>The pseudo-inverse of matrices (..., m, n): (..., n, m).</summary>
        public static Tensor pinv(Tensor input, double? atol = null, double? rtol = null, bool hermitian = false) => Pinv.Call(input, atol, rtol, hermitian);
        /// <summary>The singular value decomposition of matrices: U, the singular values in falling order, and V transposed.</summary>
        public static (Tensor U, Tensor S, Tensor Vh) svd(Tensor input, bool fullMatrices = true) => Svd.Call3(input, fullMatrices);
    }
}
