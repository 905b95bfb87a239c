using System.Globalization;
using System.Text;

namespace TorchSharp;

public static partial class torch
{
    public partial class Tensor
    {
        private const int EdgeItems = 3;
        private const long SummarizeAbove = 200;

        /// <summary>Shape, dtype and device, then the values; a large tensor shows the edges of each dimension.</summary>
        public override string ToString() => IsInvalid ? "(disposed tensor)" : $"{Header()}{Environment.NewLine}{Values()}";

        private string Header() => $"[{string.Join("x", shape)}], type = {dtype}, device = {device}";

        private string Values()
        {
            using var scope = NewDisposeScope();
            using var recording = no_grad();
            if (device_type == DeviceType.META) return "(no values on the meta device)";
            if (numel() == 0) return "[]";
            var sizes = shape;
            var shown = Shown(detach().cpu(), numel() > SummarizeAbove);
            var cells = Cells(shown);
            int width = cells.Max(c => c.Length);
            var text = new StringBuilder();
            int next = 0;
            Write(text, sizes, 0, numel() > SummarizeAbove, cells, width, ref next);
            return text.ToString();
        }

        /// <summary>The elements that will be printed: the first and last of each dimension when summarized.</summary>
        private static Tensor Shown(Tensor t, bool summarize)
        {
            for (int d = 0; summarize && d < t.ndim; d++)
            {
                long n = t.size(d);
                if (n > 2 * EdgeItems) t = cat([t.narrow(d, 0, EdgeItems), t.narrow(d, n - EdgeItems, EdgeItems)], d);
            }
            return t;
        }

        private static string[] Cells(Tensor shown)
        {
            if (shown.dtype == ScalarType.Bool) return Array.ConvertAll(shown.data<bool>().ToArray(), v => v ? "True" : "False");
            if (!shown.is_floating_point()) return Array.ConvertAll(shown.to(ScalarType.Int64).data<long>().ToArray(), v => v.ToString(CultureInfo.InvariantCulture));
            var values = shown.to(ScalarType.Float64).data<double>().ToArray();
            return Array.ConvertAll(values, Formatter(values));
        }

        private static Converter<double, string> Formatter(double[] values)
        {
            if (values.All(v => v == Math.Floor(v) && Math.Abs(v) < 1e7)) return v => v.ToString("0", CultureInfo.InvariantCulture);
            double largest = values.Where(double.IsFinite).Select(Math.Abs).DefaultIfEmpty(0).Max();
            string format = largest is >= 1e5 or < 1e-3 ? "0.0000e+00" : "0.0000";
            return v => v.ToString(format, CultureInfo.InvariantCulture);
        }

        private static void Write(StringBuilder text, long[] sizes, int depth, bool summarize, string[] cells, int width, ref int next)
        {
            if (depth == sizes.Length)
            {
                text.Append(cells[next++].PadLeft(width));
                return;
            }
            bool innermost = depth == sizes.Length - 1;
            string separator = innermost ? ", " : "," + new string('\n', sizes.Length - depth - 1) + new string(' ', depth + 1);
            bool cut = summarize && sizes[depth] > 2 * EdgeItems;
            long shown = cut ? 2 * EdgeItems : sizes[depth];
            text.Append('[');
            for (long i = 0; i < shown; i++)
            {
                if (i > 0) text.Append(separator);
                if (cut && i == EdgeItems) text.Append("...").Append(separator);
                Write(text, sizes, depth + 1, summarize, cells, width, ref next);
            }
            text.Append(']');
        }
    }
}
