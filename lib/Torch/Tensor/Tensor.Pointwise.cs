namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        // -- arithmetic ----------------------------------------------------------------------------------------------

        private static readonly Op Add = "aten::add.Tensor", AddScalar = "aten::add.Scalar", AddInPlace = "aten::add_.Tensor", AddInPlaceScalar = "aten::add_.Scalar";
        /// <summary>Elementwise sum.</summary>
        public Tensor add(Tensor target) => Add.Call(this, target);
        /// <summary>Elementwise sum with <paramref name="alpha"/> times the target.</summary>
        public Tensor add(Tensor target, Scalar alpha) => Add.Call(this, target, alpha);
        /// <summary>Adds a number.</summary>
        public Tensor add(Scalar scalar) => AddScalar.Call(this, scalar);
        /// <summary>Elementwise sum, in place.</summary>
        public Tensor add_(Tensor target) => AddInPlace.InPlace(this, target);
        /// <summary>Elementwise sum with <paramref name="alpha"/> times the target, in place.</summary>
        public Tensor add_(Tensor target, Scalar alpha) => AddInPlace.InPlace(this, target, alpha);
        /// <summary>Adds a number, in place.</summary>
        public Tensor add_(Scalar scalar) => AddInPlaceScalar.InPlace(this, scalar);

        private static readonly Op Sub = "aten::sub.Tensor", SubScalar = "aten::sub.Scalar", SubInPlace = "aten::sub_.Tensor", SubInPlaceScalar = "aten::sub_.Scalar", Rsub = "aten::rsub.Scalar";
        /// <summary>Elementwise difference.</summary>
        public Tensor sub(Tensor target) => Sub.Call(this, target);
        /// <summary>Subtracts a number.</summary>
        public Tensor sub(Scalar target) => SubScalar.Call(this, target);
        /// <summary>Elementwise difference, in place.</summary>
        public Tensor sub_(Tensor target) => SubInPlace.InPlace(this, target);
        /// <summary>Subtracts a number, in place.</summary>
        public Tensor sub_(Scalar target) => SubInPlaceScalar.InPlace(this, target);

        private static readonly Op Mul = "aten::mul.Tensor", MulScalar = "aten::mul.Scalar", MulInPlace = "aten::mul_.Tensor", MulInPlaceScalar = "aten::mul_.Scalar";
        /// <summary>Elementwise product.</summary>
        public Tensor mul(Tensor target) => Mul.Call(this, target);
        /// <summary>Multiplies by a number.</summary>
        public Tensor mul(Scalar target) => MulScalar.Call(this, target);
        /// <summary>Elementwise product, in place.</summary>
        public Tensor mul_(Tensor target) => MulInPlace.InPlace(this, target);
        /// <summary>Multiplies by a number, in place.</summary>
        public Tensor mul_(Scalar target) => MulInPlaceScalar.InPlace(this, target);

        private static readonly Op Div = "aten::div.Tensor", DivScalar = "aten::div.Scalar", DivInPlace = "aten::div_.Tensor", DivInPlaceScalar = "aten::div_.Scalar", FloorDivide = "aten::floor_divide.Scalar", Remainder = "aten::remainder.Scalar";
        /// <summary>Elementwise quotient.</summary>
        public Tensor div(Tensor target) => Div.Call(this, target);
        /// <summary>Divides by a number.</summary>
        public Tensor div(Scalar target) => DivScalar.Call(this, target);
        /// <summary>Elementwise quotient, in place.</summary>
        public Tensor div_(Tensor target) => DivInPlace.InPlace(this, target);
        /// <summary>Divides by a number, in place.</summary>
        public Tensor div_(Scalar target) => DivInPlaceScalar.InPlace(this, target);
        /// <summary>Quotient rounded towards minus infinity.</summary>
        public Tensor floor_divide(Scalar other) => MayTrap(other) ? neg() : FloorDivide.Call(this, other);
        /// <summary>Remainder with the divisor's sign.</summary>
        public Tensor remainder(Scalar scalar) => MayTrap(scalar) ? zeros_like(this) : Remainder.Call(this, scalar);
        // The processor traps where the smallest integer is divided by -1, and the process ends. libtorch cuts the divisor to the dtype.
        private bool MayTrap(Scalar divisor) => divisor.Kind == NativeKind.Int && (int)divisor.Bits == -1 && (dtype == ScalarType.Int32 || (dtype == ScalarType.Int64 && divisor.Bits == -1));

        private static readonly Op Pow = "aten::pow.Tensor_Scalar", PowTensor = "aten::pow.Tensor_Tensor", Neg = "aten::neg";
        /// <summary>Each element to a power.</summary>
        public Tensor pow(Scalar exponent) => Pow.Call(this, exponent);
        /// <summary>Each element to the power of the exponent's.</summary>
        public Tensor pow(Tensor exponent) => PowTensor.Call(this, exponent);
        /// <summary>The negative of each element.</summary>
        public Tensor neg() => Neg.Call(this);

        private static readonly Op AddcmulInPlace = "aten::addcmul_", AddcdivInPlace = "aten::addcdiv_";
        /// <summary>Adds value * tensor1 * tensor2, in place.</summary>
        public Tensor addcmul_(Tensor tensor1, Tensor tensor2, Scalar value) => AddcmulInPlace.InPlace(this, tensor1, tensor2, value);
        /// <summary>Adds value * tensor1 / tensor2, in place.</summary>
        public Tensor addcdiv_(Tensor tensor1, Tensor tensor2, Scalar value) => AddcdivInPlace.InPlace(this, tensor1, tensor2, value);

        /// <summary>Elementwise sum.</summary>
        public static Tensor operator +(Tensor left, Tensor right) => Add.Call(left, right);
        /// <summary>Adds a number.</summary>
        public static Tensor operator +(Tensor left, Scalar right) => AddScalar.Call(left, right);
        /// <summary>Adds a number.</summary>
        public static Tensor operator +(Scalar left, Tensor right) => AddScalar.Call(right, left);
        /// <summary>Elementwise difference.</summary>
        public static Tensor operator -(Tensor left, Tensor right) => Sub.Call(left, right);
        /// <summary>Subtracts a number.</summary>
        public static Tensor operator -(Tensor left, Scalar right) => SubScalar.Call(left, right);
        /// <summary>A number less each element.</summary>
        public static Tensor operator -(Scalar left, Tensor right) => Rsub.Call(right, left);
        /// <summary>The negative of each element.</summary>
        public static Tensor operator -(Tensor tensor) => Neg.Call(tensor);
        /// <summary>Elementwise product.</summary>
        public static Tensor operator *(Tensor left, Tensor right) => Mul.Call(left, right);
        /// <summary>Multiplies by a number.</summary>
        public static Tensor operator *(Tensor left, Scalar right) => MulScalar.Call(left, right);
        /// <summary>Multiplies by a number.</summary>
        public static Tensor operator *(Scalar left, Tensor right) => MulScalar.Call(right, left);
        /// <summary>Elementwise quotient.</summary>
        public static Tensor operator /(Tensor left, Tensor right) => Div.Call(left, right);
        /// <summary>Divides by a number.</summary>
        public static Tensor operator /(Tensor left, Scalar right) => DivScalar.Call(left, right);
        /// <summary>A number divided by each element.</summary>
        public static Tensor operator /(Scalar left, Tensor right) => MulScalar.Call(Reciprocal.Call(right), left);

        // -- functions of each element -------------------------------------------------------------------------------

        private static readonly Op Abs = "aten::abs", Exp = "aten::exp", Expm1 = "aten::expm1", Log = "aten::log", Log1p = "aten::log1p", Sqrt = "aten::sqrt", Rsqrt = "aten::rsqrt", Square = "aten::square";
        /// <summary>Absolute value.</summary>
        public Tensor abs() => Abs.Call(this);
        /// <summary>e to each element.</summary>
        public Tensor exp() => Exp.Call(this);
        /// <summary>exp(x) - 1, exact near 0.</summary>
        public Tensor expm1() => Expm1.Call(this);
        /// <summary>Natural logarithm.</summary>
        public Tensor log() => Log.Call(this);
        /// <summary>log(1 + x), exact near 0.</summary>
        public Tensor log1p() => Log1p.Call(this);
        /// <summary>Square root.</summary>
        public Tensor sqrt() => Sqrt.Call(this);
        /// <summary>Reciprocal of the square root.</summary>
        public Tensor rsqrt() => Rsqrt.Call(this);
        /// <summary>Square.</summary>
        public Tensor square() => Square.Call(this);

        private static readonly Op Reciprocal = "aten::reciprocal", Sign = "aten::sign", Floor = "aten::floor", Ceil = "aten::ceil", Round = "aten::round.decimals", Sin = "aten::sin", Cos = "aten::cos", Erf = "aten::erf", ErfinvInPlace = "aten::erfinv_";
        /// <summary>1 / x.</summary>
        public Tensor reciprocal() => Reciprocal.Call(this);
        /// <summary>-1, 0 or 1.</summary>
        public Tensor sign() => Sign.Call(this);
        /// <summary>The largest integer not above each element.</summary>
        public Tensor floor() => Floor.Call(this);
        /// <summary>The smallest integer not below each element.</summary>
        public Tensor ceil() => Ceil.Call(this);
        /// <summary>Rounded to so many decimals, halves to even.</summary>
        public Tensor round(long decimals = 0L) => Round.Call(this, decimals);
        /// <summary>Sine.</summary>
        public Tensor sin() => Sin.Call(this);
        /// <summary>Cosine.</summary>
        public Tensor cos() => Cos.Call(this);
        /// <summary>Error function.</summary>
        public Tensor erf() => Erf.Call(this);
        /// <summary>Inverse of the error function, in place.</summary>
        public Tensor erfinv_() => ErfinvInPlace.InPlace(this);

        private static readonly Op Relu = "aten::relu", Sigmoid = "aten::sigmoid", Tanh = "aten::tanh", Softmax = "aten::softmax.int", LogSoftmax = "aten::log_softmax.int";
        /// <summary>max(x, 0).</summary>
        public Tensor relu() => Relu.Call(this);
        /// <summary>1 / (1 + exp(-x)).</summary>
        public Tensor sigmoid() => Sigmoid.Call(this);
        /// <summary>Hyperbolic tangent.</summary>
        public Tensor tanh() => Tanh.Call(this);
        /// <summary>exp(x) normalised to sum to one along a dimension.</summary>
        public Tensor softmax(long dim, ScalarType? dtype = null) => Softmax.Call(this, dim, dtype);
        /// <summary>The logarithm of <see cref="softmax"/>, computed stably.</summary>
        public Tensor log_softmax(long dim, ScalarType? dtype = null) => LogSoftmax.Call(this, dim, dtype);

        private static readonly Op Clamp = "aten::clamp", ClampInPlace = "aten::clamp_", Maximum = "aten::maximum", Minimum = "aten::minimum", NanToNum = "aten::nan_to_num";
        /// <summary>Each element limited to [min, max].</summary>
        public Tensor clamp(Scalar? min = null, Scalar? max = null) => Clamp.Call(this, min, max);
        /// <summary>Each element limited to [min, max], in place.</summary>
        public Tensor clamp_(Scalar? min = null, Scalar? max = null) => ClampInPlace.InPlace(this, min, max);
        /// <summary>The larger of two elements.</summary>
        public Tensor maximum(Tensor other) => Maximum.Call(this, other);
        /// <summary>The smaller of two elements.</summary>
        public Tensor minimum(Tensor other) => Minimum.Call(this, other);
        /// <summary>NaN and infinities replaced by numbers.</summary>
        public Tensor nan_to_num(double nan = 0d, double? posinf = null, double? neginf = null) => NanToNum.Call(this, nan, posinf, neginf);

        // -- comparison and logic ------------------------------------------------------------------------------------

        private static readonly Op Eq = "aten::eq.Tensor", Ne = "aten::ne.Tensor", Lt = "aten::lt.Tensor", Le = "aten::le.Tensor", Gt = "aten::gt.Tensor", Ge = "aten::ge.Tensor";
        private static readonly Op EqScalar = "aten::eq.Scalar", NeScalar = "aten::ne.Scalar", LtScalar = "aten::lt.Scalar", LeScalar = "aten::le.Scalar", GtScalar = "aten::gt.Scalar", GeScalar = "aten::ge.Scalar";
        /// <summary>Whether elements are equal.</summary>
        public Tensor eq(Tensor target) => Eq.Call(this, target);
        /// <summary>Whether elements equal a number.</summary>
        public Tensor eq(Scalar target) => EqScalar.Call(this, target);
        /// <summary>Whether elements differ.</summary>
        public Tensor ne(Tensor target) => Ne.Call(this, target);
        /// <summary>Whether elements differ from a number.</summary>
        public Tensor ne(Scalar target) => NeScalar.Call(this, target);
        /// <summary>Whether elements are smaller.</summary>
        public Tensor lt(Tensor target) => Lt.Call(this, target);
        /// <summary>Whether elements are smaller than a number.</summary>
        public Tensor lt(Scalar target) => LtScalar.Call(this, target);
        /// <summary>Whether elements are smaller or equal.</summary>
        public Tensor le(Tensor target) => Le.Call(this, target);
        /// <summary>Whether elements are at most a number.</summary>
        public Tensor le(Scalar target) => LeScalar.Call(this, target);
        /// <summary>Whether elements are larger.</summary>
        public Tensor gt(Tensor target) => Gt.Call(this, target);
        /// <summary>Whether elements are larger than a number.</summary>
        public Tensor gt(Scalar target) => GtScalar.Call(this, target);
        /// <summary>Whether elements are larger or equal.</summary>
        public Tensor ge(Tensor target) => Ge.Call(this, target);
        /// <summary>Whether elements are at least a number.</summary>
        public Tensor ge(Scalar target) => GeScalar.Call(this, target);

        private static readonly Op LogicalAnd = "aten::logical_and", LogicalOr = "aten::logical_or", LogicalNot = "aten::logical_not", IsNan = "aten::isnan", IsFinite = "aten::isfinite", Where = "aten::where.self", AllClose = "aten::allclose", Equal = "aten::equal";
        /// <summary>Whether both elements are true.</summary>
        public Tensor logical_and(Tensor other) => LogicalAnd.Call(this, other);
        /// <summary>Whether either element is true.</summary>
        public Tensor logical_or(Tensor other) => LogicalOr.Call(this, other);
        /// <summary>Whether the element is false.</summary>
        public Tensor logical_not() => LogicalNot.Call(this);
        /// <summary>Whether elements are not a number.</summary>
        public Tensor isnan() => IsNan.Call(this);
        /// <summary>Whether elements are neither infinite nor NaN.</summary>
        public Tensor isfinite() => IsFinite.Call(this);
        /// <summary>This tensor's element where the condition holds, else the other's.</summary>
        public Tensor where(Tensor condition, Tensor y) => Where.Call(condition, this, y);
        /// <summary>Whether all elements are equal within rtol * |target| + atol.</summary>
        public bool allclose(Tensor target, double rtol = 1e-05, double atol = 1e-08, bool equal_nan = false) => AllClose.CallScalar(this, target, rtol, atol, equal_nan).ToBoolean();
        /// <summary>A boolean tensor: whether shapes and all elements are equal.</summary>
        public Tensor equal(Tensor target) => tensor(Equal.CallScalar(this, target).ToBoolean());

        // -- filling -------------------------------------------------------------------------------------------------

        private static readonly Op Zero = "aten::zero_", Fill = "aten::fill_.Scalar", Copy = "aten::copy_", MaskedFill = "aten::masked_fill.Scalar", MaskedFillInPlace = "aten::masked_fill_.Scalar";
        /// <summary>Sets all elements to zero.</summary>
        public Tensor zero_() => Zero.InPlace(this);
        /// <summary>Sets all elements to a number.</summary>
        public Tensor fill_(Scalar value) => Fill.InPlace(this, value);
        /// <summary>Copies another tensor's elements here, converting dtype and device.</summary>
        public Tensor copy_(Tensor source, bool nonBlocking = false) => Copy.InPlace(this, source, nonBlocking);
        /// <summary>A number where the mask is true.</summary>
        public Tensor masked_fill(Tensor mask, Scalar value) => MaskedFill.Call(this, mask, value);
        /// <summary>A number where the mask is true, in place.</summary>
        public Tensor masked_fill_(Tensor mask, Scalar value) => MaskedFillInPlace.InPlace(this, mask, value);

        private static readonly Op Uniform = "aten::uniform_", Normal = "aten::normal_", Bernoulli = "aten::bernoulli_.float", Multinomial = "aten::multinomial";
        /// <summary>Fills with uniform random numbers from [from, to).</summary>
        public Tensor uniform_(double from, double to, Generator? generator = null) => Uniform.InPlace(this, from, to, generator);
        /// <summary>Fills with normally distributed random numbers.</summary>
        public Tensor normal_(double mean = 0.0, double std = 1.0, Generator? generator = null) => Normal.InPlace(this, mean, std, generator);
        /// <summary>Fills with ones at probability p, else zeros.</summary>
        public Tensor bernoulli_(double p = 0.5, Generator? generator = null) => Bernoulli.InPlace(this, p, generator);
        /// <summary>Draws indices with probabilities proportional to the last dimension.</summary>
        public Tensor multinomial(long num_samples, bool replacement = false, Generator? generator = null) => Multinomial.Call(this, num_samples, replacement, generator);
    }
}
