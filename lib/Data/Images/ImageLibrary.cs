using System.Runtime.InteropServices;
using PatchKit.Torch;
using PatchKit.Torch.Calls;

namespace PatchKit.Data.Images;

/// <summary>
/// The image functions of libpatchkit.so (lib/Native/images), looked up by name: a build without libjpeg or libpng
/// lacks them.
/// </summary>
internal static unsafe class ImageLibrary
{
    internal static readonly delegate* unmanaged<byte*> Error;
    internal static readonly delegate* unmanaged<byte*, long, NativeDecodeOptions*, NativeImage*, int> Size;
    internal static readonly delegate* unmanaged<byte*, long, NativeDecodeOptions*, NativeImage*, int> Decode;
    internal static readonly delegate* unmanaged<byte*, int, int, long, float*, byte*, int, int, int, int> Resize;
    internal static readonly delegate* unmanaged<byte*, int, int, int, int, byte**, long*, int> EncodePng;
    internal static readonly delegate* unmanaged<void*, void> Free;

    static ImageLibrary()
    {
        if (NativeLibraries.Find(out string reason) is not { } path)
        {
            Absence = reason;
            return;
        }
        try
        {
            if (!Kernels.Present)
            {
                Absence =
                    $"{path} was built for another processor; run environment/setup.sh, which builds it for this one.";
                return;
            }
            nint library = NativeLibraries.LoadPatchKit();
            Error = (delegate* unmanaged<byte*>)NativeLibrary.GetExport(library, "pk_image_error");
            Size = (delegate* unmanaged<byte*, long, NativeDecodeOptions*, NativeImage*, int>)
                NativeLibrary.GetExport(library, "pk_image_size");
            Decode = (delegate* unmanaged<byte*, long, NativeDecodeOptions*, NativeImage*, int>)
                NativeLibrary.GetExport(library, "pk_image_decode");
            Resize = (delegate* unmanaged<byte*, int, int, long, float*, byte*, int, int, int, int>)
                NativeLibrary.GetExport(library, "pk_image_resize");
            EncodePng = (delegate* unmanaged<byte*, int, int, int, int, byte**, long*, int>)
                NativeLibrary.GetExport(library, "pk_image_encode_png");
            Free = (delegate* unmanaged<void*, void>)NativeLibrary.GetExport(library, "pk_image_free");
        }
        catch (EntryPointNotFoundException)
        {
            Absence =
                $"{path} was built without libjpeg-dev or libpng-dev, or before this program; run "
                + "environment/setup.sh again.";
        }
        catch (DllNotFoundException e)
        {
            Absence = e.Message;
        }
    }

    /// <summary>Whether the library was found and has the functions.</summary>
    internal static bool Present => Absence is "";

    /// <summary>Why not, as a sentence; empty where it has. ImageSharp and C# then do its work.</summary>
    internal static string Absence { get; } = "";

    /// <summary>The thread's last failure, without its subject.</summary>
    internal static string Sentence => Marshal.PtrToStringUTF8((nint)Error()) ?? "cannot be read.";
}

/// <summary>Mirrors DecodeOptions in lib/Native/images/image.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal struct NativeDecodeOptions
{
    internal long MaxPixels;
    internal int Scale,
        Orientation;
}

/// <summary>Mirrors Pixels in lib/Native/images/image.h.</summary>
[StructLayout(LayoutKind.Sequential)]
internal unsafe struct NativeImage
{
    internal byte* Data;
    internal int Width,
        Height;
}
